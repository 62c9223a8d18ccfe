# Sourced by ./run and ./test: what both do before they can begin.  Bash, `set -eu`, $top set.

say() {
	printf '%s\n' "$*"
}

die() {
	printf 'maillayer: %s\n' "$*" >&2
	exit 1
}

# Packages of build-aux/packages that are missing: up to the mark, or all with "test".
missing_packages() {
	local package list
	list=$(sed -e "$([ "${1:-}" = test ] || echo '/^# ---- test/,$d')" -e '/^#/d' \
	    "$top/build-aux/packages")
	for package in $list; do
		# Node may come from elsewhere than Debian; its package would fight with that one.
		case $package in
		nodejs) command -v node >/dev/null && continue ;;
		npm) command -v npm >/dev/null && continue ;;
		esac
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
		    grep -qx installed || printf '%s ' "$package"
	done
}

install_packages() {
	local missing
	command -v dpkg-query >/dev/null ||
	    die "this needs Debian 12; on another system install what build-aux/packages lists"
	missing=$(missing_packages "${1:-}")
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] ||
	    die "packages are missing; as root: apt-get install --no-install-recommends $missing"
	say "Installing $missing"
	# A package that starts its server at once would take ports and processes of this machine.
	local policy=/usr/sbin/policy-rc.d made=
	[ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=1; }
	{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
	    -o Dpkg::Use-Pty=0 install --no-install-recommends $missing; } >"$top/.apt.log" 2>&1 || {
		tail -n 20 "$top/.apt.log" >&2
		[ -z "$made" ] || rm -f $policy
		die "apt could not install them; the lines above say why"
	}
	[ -z "$made" ] || rm -f $policy
	rm -f "$top/.apt.log"
}

# npm packages of a folder, exactly as its lock file says, if they are not there yet.
install_npm() {
	local stamp=$1/node_modules/.package-lock.json
	[ ! "$1/package-lock.json" -nt "$stamp" ] || {
		say "Installing npm packages of ${1#"$top"/}"
		npm --prefix "$1" ci --no-audit --no-fund --loglevel=error >"$1/.npm.log" 2>&1 || {
			tail -n 20 "$1/.npm.log" >&2
			die "npm could not install them; the lines above say why"
		}
		rm -f "$1/.npm.log"
		touch "$stamp"
	}
}

# build DIR TARGETS [configure arguments]: out of tree, again only where something changed.
build() {
	local dir=$1 targets=$2
	shift 2
	if [ ! -x "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ] ||
	    [ "$top/Makefile.am" -nt "$top/Makefile.in" ]; then
		say "Making configure"
		(cd "$top" && autoreconf -i >/dev/null 2>&1) || (cd "$top" && autoreconf -i) ||
		    die "autoreconf failed; the lines above say why"
	fi
	mkdir -p "$dir"
	if [ ! -f "$dir/Makefile" ] || [ "$top/configure" -nt "$dir/config.status" ]; then
		say "Configuring ${dir#"$top"/}"
		(cd "$dir" && "$top/configure" -q "$@") || die "configure failed; the lines above say why"
	fi
	say "Building ${dir#"$top"/}"
	make -C "$dir" -s -j"$(nproc)" $targets || die "the build failed; the lines above say why"
}
