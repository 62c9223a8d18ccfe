// What the browser tests share: TAP, a whole site of its own, Chromium with pictures.
import { spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const shots = process.env.MAILLAYER_SHOTS || join(top, 't', 'browser', 'shots');

let run = 0;
let failed = 0;

export function ok(cond, name) {
	run++;
	if (!cond)
		failed++;
	console.log(`${cond ? 'ok' : 'not ok'} ${run} - ${name.replaceAll('#', '\\#')}`);
	return cond;
}

export function is(got, want, name) {
	if (!ok(got === want, name))
		console.log(`#  got ${JSON.stringify(got)}\n# want ${JSON.stringify(want)}`);
}

export function done() {
	console.log(`1..${run}`);
	process.exitCode = failed ? 1 : 0;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls fn until it gives something true; that, or undefined after `seconds`.
export async function until(fn, seconds = 30) {
	const end = Date.now() + seconds * 1000;
	for (;;) {
		const got = await fn();
		if (got)
			return got;
		if (Date.now() > end)
			return undefined;
		await sleep(200);
	}
}

function freePort() {
	return new Promise((resolve, reject) => {
		const s = createServer().listen(0, '127.0.0.1', () => {
			const { port } = s.address();
			s.close(() => resolve(port));
		});
		s.on('error', reject);
	});
}

// A site in an empty state directory, started as a newcomer does. {url, setup, state, stop()}
export async function startSite(extra = []) {
	const state = mkdtempSync(join(tmpdir(), 'maillayer-browser-'));
	const port = await freePort();
	let output = '';
	const child = spawn(join(top, 'run'), ['--state', state, '--port', String(port), ...extra],
		{ cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
	child.stdout.on('data', (d) => { output += d; });
	child.stderr.on('data', (d) => { output += d; });
	const up = await until(() => existsSync(join(state, 'run.json')) || child.exitCode !== null, 120);
	if (!up || child.exitCode !== null) {
		console.log(output.replace(/^/gm, '# '));
		throw new Error('the site did not start');
	}
	const { url } = JSON.parse(readFileSync(join(state, 'run.json'), 'utf8'));
	await until(() => /\/setup\/\S+/.test(output), 10);
	const setup = (output.match(/https?:\S+\/setup\/\S+/) || [])[0];
	const stop = () => new Promise((resolve) => {
		child.on('exit', () => {
			rmSync(state, { recursive: true, force: true });
			resolve();
		});
		child.kill('SIGINT');
	});
	return { url, setup, state, child, stop, output: () => output };
}

export async function openBrowser() {
	return chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
}

// A person's browser; the name would otherwise tell that it has no window.
export const person = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 ' +
	'(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36';

// Pictures of a page: desktop and phone, light and dark.
export async function shoot(page, name) {
	mkdirSync(shots, { recursive: true });
	const size = page.viewportSize();
	for (const scheme of ['light', 'dark']) {
		await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
		for (const [kind, width, height] of [['desktop', 1440, 900], ['phone', 390, 844]]) {
			await page.setViewportSize({ width, height });
			await page.screenshot({ path: join(shots, `${name}-${kind}-${scheme}.png`), fullPage: true });
		}
	}
	await page.emulateMedia({ colorScheme: 'light' });
	await page.setViewportSize(size);
}

const axeSource = readFileSync(join(top, 't/node_modules/axe-core/axe.min.js'), 'utf8');

// Photographs a page, has axe look at it and sees whether it fits a phone.
// axe in a world of its own, since the page's policy lets no script of others in.
export async function lookAt(page, name) {
	const context = page.context();
	await shoot(page, name);
	const cdp = await context.newCDPSession(page);
	const { frameTree } = await cdp.send('Page.getFrameTree');
	const { executionContextId } = await cdp.send('Page.createIsolatedWorld',
		{ frameId: frameTree.frame.id, worldName: 'axe' });
	const run = 'axe.run(document, { iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] })'
		+ '.then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target.join(" ")).slice(0, 3).join(", ")))';
	await cdp.send('Runtime.evaluate', { expression: axeSource, contextId: executionContextId });
	const found = await cdp.send('Runtime.evaluate',
		{ expression: run, contextId: executionContextId, awaitPromise: true, returnByValue: true });
	await cdp.detach();
	const violations = found.result.value ?? [`axe did not run: ${JSON.stringify(found).slice(0, 300)}`];
	ok(violations.length === 0, `${name}: accessible (axe, WCAG 2.2 AA)`);
	for (const v of violations)
		console.log(`#   ${v}`);
	await page.setViewportSize({ width: 390, height: 844 });
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	await page.setViewportSize({ width: 1440, height: 900 });
	ok(wide <= 0, `${name}: fits a phone`);
}
