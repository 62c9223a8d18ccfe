// Cuts a stylesheet down to what the pages can use: a selector stays if every class in it is a
// word of the templates or scripts.  So a Tabler class may not be put together from pieces
// ("btn-{{ kind }}"); our own classes may, they are not cut.  What no rule refers to any more,
// custom properties and keyframes, goes too.

// The index behind the string or comment that starts at i, or i if there is none.
function skip(css, i) {
	if (css.startsWith('/*', i))
		return css.indexOf('*/', i + 2) + 2;
	if (css[i] !== '"' && css[i] !== "'")
		return i;
	for (let j = i + 1; ; j++) {
		if (css[j] === '\\')
			j++;
		else if (css[j] === css[i])
			return j + 1;
	}
}

function withoutComments(css) {
	let out = '';

	for (let i = 0; i < css.length;) {
		const end = skip(css, i);

		if (end === i)
			out += css[i++];
		else {
			if (css[i] !== '/')
				out += css.slice(i, end);
			i = end;
		}
	}
	return out;
}

// Cuts at `at` outside strings, parentheses and braces.
function split(css, at) {
	const parts = [];
	let depth = 0, start = 0;

	for (let i = 0; i < css.length;) {
		const end = skip(css, i);

		if (end > i) {
			i = end;
			continue;
		}
		if ('({['.includes(css[i]))
			depth++;
		else if (')}]'.includes(css[i]))
			depth--;
		if (css[i] === at && depth === 0) {
			parts.push(css.slice(start, i));
			start = i + 1;
		}
		i++;
	}
	parts.push(css.slice(start));
	return parts.map(p => p.trim()).filter(Boolean);
}

// [{ head, body }]; a statement without a block has body null.
function blocks(css) {
	const list = [];
	let depth = 0, start = 0, open = 0;

	for (let i = 0; i < css.length;) {
		const end = skip(css, i);

		if (end > i) {
			i = end;
			continue;
		}
		if (css[i] === '{' && depth++ === 0)
			open = i;
		if (css[i] === ';' && depth === 0) {
			list.push({ head: css.slice(start, i).trim(), body: null });
			start = i + 1;
		}
		if (css[i] === '}' && --depth === 0) {
			list.push({ head: css.slice(start, open).trim(), body: css.slice(open + 1, i) });
			start = i + 1;
		}
		i++;
	}
	return list;
}

const groups = /^@(media|supports|container|layer)\b/;

function usable(selector, words) {
	const plain = selector.replace(/:(not|is|where|has)\([^()]*(\([^()]*\)[^()]*)*\)/g, '');
	const names = plain.match(/\.(-?[A-Za-z_](?:[\w-]|\\.)*)/g) ?? [];

	return names.every(n => words.has(n.slice(1).replace(/\\/g, '')));
}

function rules(css, words) {
	const kept = [];

	for (const b of blocks(css)) {
		if (b.body === null)
			continue;	// @charset, @import: none of ours
		if (groups.test(b.head)) {
			const inside = rules(b.body, words);

			if (inside.length > 0)
				kept.push({ head: b.head, inside });
		} else if (b.head.startsWith('@')) {
			kept.push({ head: b.head, declarations: null, body: b.body });
		} else {
			const selectors = split(b.head, ',').filter(s => usable(s, words));

			if (selectors.length > 0)
				kept.push({ head: selectors.join(','), declarations: split(b.body, ';') });
		}
	}
	return kept;
}

function text(list) {
	return list.map(r => {
		if (r.inside)
			return `${r.head}{${text(r.inside)}}`;
		return `${r.head}{${r.declarations?.join(';') ?? r.body}}`;
	}).join('\n');
}

function each(list, visit) {
	for (const r of list)
		r.inside ? each(r.inside, visit) : visit(r);
}

// Takes away custom properties nobody reads, and what only they read, until none is left.
function dropUnread(list, others) {
	for (let before = -1, now = 0; before !== now; before = now, now = text(list).length) {
		const read = new Set(`${text(list)}${others}`.match(/var\(\s*--[\w-]+/g)
			?.map(v => v.replace(/var\(\s*/, '')));

		each(list, r => {
			if (r.declarations)
				r.declarations = r.declarations.filter(d =>
					!d.startsWith('--') || read.has(d.slice(0, d.indexOf(':')).trim()));
		});
	}
}

function notEmpty(list) {
	for (const r of list) {
		if (r.inside)
			r.inside = notEmpty(r.inside);
	}
	return list.filter(r => r.inside ? r.inside.length > 0 : r.declarations?.length !== 0);
}

// css: the stylesheet; words: a Set of the words pages may use as classes; others: the
// stylesheets that stand beside it and may read its custom properties and keyframes.
export function prune(css, words, others) {
	const list = rules(withoutComments(css), words);

	dropUnread(list, others);
	const all = `${text(list)}${others}`;
	const played = new Set(all.match(/animation(-name)?:[^;}]*/g)?.join(' ').match(/[\w-]+/g));

	return text(notEmpty(list.filter(r => !r.head.startsWith('@keyframes') ||
		played.has(r.head.split(/\s+/)[1]))));
}
