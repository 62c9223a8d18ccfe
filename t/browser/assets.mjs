// The built assets: what the stylesheet is cut to, and that pages find what they name.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { prune } from '../../assets/prune.mjs';
import { done, is, ok, top } from './lib.mjs';

const dist = join(top, 'assets/dist');
const cut = (css, words, others = '') => prune(css, new Set(words.split(' ')), others);

is(cut('.a{x:1}.b{x:2}', 'a'), '.a{x:1}', 'a rule of a class nobody uses goes');
is(cut('.a,.b,p{x:1}', 'a'), '.a,p{x:1}', 'a selector goes without its neighbours');
is(cut('.a .b{x:1}.a.c{x:2}', 'a b'), '.a .b{x:1}', 'every class of a selector must be used');
is(cut('.a:not(.z){x:1}', 'a'), '.a:not(.z){x:1}', 'but not those that must be absent');
is(cut('p{x:1}[data-x]{x:2}', 'a'), 'p{x:1}\n[data-x]{x:2}', 'elements and attributes stay');
is(cut('@media (min-width:1px){.b{x:1}}@media print{.a{x:1}}', 'a'), '@media print{.a{x:1}}', 'empty groups go');
is(cut('/* .a{ */.a{x:url("data:}{;,")}', 'a'), '.a{x:url("data:}{;,")}', 'strings and comments are no structure');
is(cut(':root{--x:var(--y);--y:1;--z:2;--w:3}.a{c:var(--x)}', 'a', 'q{c:var( --w)}'),
	':root{--x:var(--y);--y:1;--w:3}\n.a{c:var(--x)}', 'custom properties nobody reads go');
is(cut('@keyframes k{to{x:1}}@keyframes l{to{x:1}}.a{animation:1s k}', 'a'),
	'@keyframes k{to{x:1}}\n.a{animation:1s k}', 'keyframes nobody plays go');
is(cut('.a\\:b{x:1}.btn-1{x:2}', 'btn-1'), '.btn-1{x:2}', 'names are read to their end');

const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'));
const named = new Set();

for (const file of readdirSync(join(top, 'templates'), { recursive: true })) {
	if (String(file).endsWith('.html')) {
		for (const m of readFileSync(join(top, 'templates', file), 'utf8').matchAll(/page\.assets\["([^"]+)"\]/g))
			named.add(m[1]);
	}
}
ok(named.size >= 4, 'templates name assets');
for (const name of named)
	ok(manifest[name]?.startsWith('/assets/'), `${name} is built`);
for (const [name, address] of Object.entries(manifest)) {
	const file = join(dist, address.slice('/assets/'.length));

	ok(existsSync(file) && /\.[A-Z0-9]{8}\.\w+$/.test(file), `${name} is there, with a hash in its name`);
	if (existsSync(`${file}.gz`))
		ok(gunzipSync(readFileSync(`${file}.gz`)).equals(readFileSync(file)), `${name} is there compressed`);
}
const css = readFileSync(join(dist, manifest['maillayer.css'].slice('/assets/'.length)), 'utf8');

ok(css.length > 30000 && css.length < 200000, `the stylesheet is cut (${css.length} bytes)`);
ok(!/url\("?https?:/.test(css) && !/@import/.test(css), 'and fetches nothing from elsewhere');
for (const url of css.match(/\/assets\/[\w.-]+/g) ?? [])
	ok(existsSync(join(dist, url.slice('/assets/'.length))), `${url} is there`);
done();
