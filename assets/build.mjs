// Builds assets/dist: one stylesheet, the scripts, the icon sprite and the font, each with a
// hash in its name, and manifest.json, which tells pages the address of each by its plain name.
//
//	"maillayer.css"	css/index.css: what the pages use of Tabler, and ours on top
//	"app.js"	every page; "editor.js" pages with a textarea.code-editor
//	"icons.svg"	a sprite of the icons the templates name, from @tabler/icons
//	"inter.woff2"	the font's Latin part, to be preloaded; "icon.svg" the site's icon

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { prune } from './prune.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const top = path.dirname(here);
const dist = path.join(here, 'dist');
const modules = path.join(here, 'node_modules');
const address = '/assets/';
const plainNames = { 'inter-latin-wght-normal.woff2': 'inter.woff2', 'index.css': 'maillayer.css' };

function read(...parts) {
	return fs.readFileSync(path.join(...parts), 'utf8');
}

// [{ file, text }] of every file below `folder` with that ending, by name.
function all(folder, ending) {
	if (!fs.existsSync(folder))
		return [];
	return fs.readdirSync(folder, { withFileTypes: true })
		.sort((a, b) => a.name < b.name ? -1 : 1)
		.flatMap(e => {
			const file = path.join(folder, e.name);

			if (e.isDirectory())
				return all(file, ending);
			return e.name.endsWith(ending) ? [{ file, text: read(file) }] : [];
		});
}

const templates = all(path.join(top, 'templates'), '.html');
const pages = all(path.join(top, 'src/web'), '.c');

// ---- styles and scripts ---------------------------------------------------------------------

// Font files and our own stylesheet come as they are; Tabler comes cut.
const cutTabler = {
	name: 'cut-tabler',
	setup(build) {
		build.onLoad({ filter: /tabler(\.min)?\.css$/ }, args => {
			const users = [...templates, ...all(path.join(here, 'js'), '.js')];
			const ours = all(path.join(here, 'css'), '.css').map(c => c.text).join('\n');
			const words = new Set(users.flatMap(u => u.text.match(/[A-Za-z0-9_-]+/g) ?? []));

			return {
				contents: prune(read(args.path), words, ours),
				loader: 'css',
			};
		});
	},
};

async function bundle() {
	const result = await esbuild.build({
		absWorkingDir: here,
		entryPoints: [{ in: 'css/index.css', out: 'maillayer' }, { in: 'js/app.js', out: 'app' },
			{ in: 'js/editor.js', out: 'editor' }],
		bundle: true,
		minify: true,
		write: false,
		metafile: true,
		outdir: 'dist',
		entryNames: '[name].[hash]',
		assetNames: '[name].[hash]',
		publicPath: address,
		format: 'iife',
		target: ['chrome123', 'firefox120', 'safari17.5'],
		loader: { '.woff2': 'file' },
		legalComments: 'none',	// licences go into one file
		plugins: [cutTabler],
		logLevel: 'warning',
	});
	const files = new Map(result.outputFiles.map(f => [path.basename(f.path), f.contents]));
	const names = new Map();

	for (const [output, about] of Object.entries(result.metafile.outputs)) {
		const source = path.basename(about.entryPoint ?? Object.keys(about.inputs)[0]);

		names.set(plainNames[source] ?? source, path.basename(output));
	}
	return { files, names, inputs: Object.keys(result.metafile.inputs) };
}

// ---- icons ----------------------------------------------------------------------------------

// Icons are named as `icon: "send"`, `sign = "send"` and icons.svg#send in templates, as
// "icon", "send" in handlers.  A name that is none of Tabler's stops the build.
const namings = [/\b(?:\w*icon|sign)\s*[:=]\s*"([a-z0-9-]+)"/g, /icons\.svg[^#\n]{0,12}#([a-z0-9-]+)/g,
	/"icon",\s*"([a-z0-9-]+)"/g];

function namedIcons() {
	const names = new Map();

	for (const { file, text } of [...templates, ...pages]) {
		for (const m of namings.flatMap(n => [...text.matchAll(n)]))
			names.set(m[1], path.relative(top, file));
	}
	return new Map([...names].sort());
}

// Words in quotes that happen to be icons: an icon's name may come through a variable.
function quotedIcons() {
	const known = new Set(fs.readdirSync(path.join(modules, '@tabler/icons/icons/outline'))
		.map(f => f.replace('.svg', '')));
	const used = templates.filter(t => /\bicon:\s*[a-z_]/.test(t.text));

	return used.flatMap(t => [...t.text.matchAll(/"([a-z0-9-]+)"/g)].map(m => m[1]))
		.filter(n => known.has(n));
}

function symbol(name, file) {
	const source = path.join(modules, '@tabler/icons/icons/outline', `${name}.svg`);

	if (!fs.existsSync(source))
		throw new Error(`${file} names the icon "${name}", which @tabler/icons has not`);
	const inside = fs.readFileSync(source, 'utf8').replace(/^[^]*?<svg[^]*?>|<\/svg>[^]*$/g, '')
		.replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/, '')
		.replace(/\s+/g, ' ').replace(/> </g, '><').replace(/ \/>/g, '/>').trim();

	return `<symbol id="${name}" viewBox="0 0 24 24">${inside}</symbol>`;
}

function sprite() {
	const names = namedIcons();

	for (const n of quotedIcons()) {
		if (!names.has(n))
			names.set(n, 'a template');
	}
	const symbols = [...names].sort().map(([name, file]) => symbol(name, file));

	return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('\n')}</svg>\n`;
}

// ---- licences -------------------------------------------------------------------------------

// The packages whose code or drawings are in dist, with their licences as they ask for.
function licences(inputs) {
	const packages = new Set(['@tabler/icons', ...inputs
		.map(i => i.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean)]);

	return [...packages].sort().map(name => {
		const folder = path.join(modules, name);
		const about = JSON.parse(read(folder, 'package.json'));
		const file = fs.readdirSync(folder).find(f => /^licen[cs]e/i.test(f));

		return `${name} ${about.version}, ${about.license}\n\n` +
			(file ? `${read(folder, file).trim()}\n` : '');
	}).join(`\n${'-'.repeat(80)}\n\n`);
}

// ---- all of it ------------------------------------------------------------------------------

function hashed(name, contents) {
	const { name: stem, ext } = path.parse(name);
	const hash = createHash('sha256').update(contents).digest('base64url');

	return `${stem}.${hash.replace(/[-_]/g, '').slice(0, 8).toUpperCase()}${ext}`;
}

const { files, names, inputs } = await bundle();

for (const [name, contents] of [['icons.svg', sprite()], ['icon.svg', read(here, 'icon.svg')]]) {
	names.set(name, hashed(name, contents));
	files.set(names.get(name), Buffer.from(contents));
}
for (const [name, contents] of [...files]) {
	if (/\.(css|js|svg)$/.test(name))
		files.set(`${name}.gz`, gzipSync(contents, { level: 9 }));
}
files.set('LICENCES.txt', Buffer.from(licences(inputs)));

// The manifest comes when everything it names is there, and what it does not name goes after
// it, so that a running server always finds its files.
fs.mkdirSync(dist, { recursive: true });
for (const [name, contents] of files)
	fs.writeFileSync(path.join(dist, name), contents);
const manifest = Object.fromEntries([...names].sort().map(([n, file]) => [n, address + file]));

fs.writeFileSync(path.join(dist, 'manifest.json.new'), `${JSON.stringify(manifest, null, '\t')}\n`);
fs.renameSync(path.join(dist, 'manifest.json.new'), path.join(dist, 'manifest.json'));
for (const old of fs.readdirSync(dist)) {
	if (!files.has(old) && old !== 'manifest.json')
		fs.rmSync(path.join(dist, old));
}
