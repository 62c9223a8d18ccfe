// t/fake/gotrue.mjs as npm's @supabase/auth-js sees it: the client of Supabase itself signs in,
// renews and signs out, so what the fake answers is what the real one answers.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AuthClient } from '@supabase/auth-js';

const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
let run = 0, failed = 0;
const ok = (cond, name, more) => {
	console.log(`${cond ? 'ok' : 'not ok'} ${++run} - ${name}`);
	if (!cond) { failed++; if (more) console.log(`# ${JSON.stringify(more)}`); }
};

const back = 'http://127.0.0.1:9/auth/callback';
async function fake(alg) {
	const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'node', join(top, 't/fake/gotrue.mjs'), '--alg', alg, '--allow', back, '--reuse', '0'],
		{ stdio: ['ignore', 'pipe', 'inherit'] });
	const line = await new Promise((resolve) => createInterface(child.stdout).once('line', resolve));
	const base = `http://127.0.0.1:${line.split(' ')[1]}`;
	const ask = async (method, path, body) => (await fetch(base + path, { method, body: body && JSON.stringify(body) })).json();
	return { base, ask, stop: () => child.kill() };
}

function client(project, key = project.anon_key) {
	const kept = new Map();
	return new AuthClient({
		url: project.issuer, headers: { apikey: key }, flowType: 'pkce', autoRefreshToken: false, persistSession: true,
		detectSessionInUrl: false, storageKey: project.url,	// by which it keeps the keys it fetched, too
		storage: { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => { kept.set(k, v); }, removeItem: (k) => { kept.delete(k); } },
	});
}

// Follows the page of the provider by hand: the link of that person.
async function agree(base, url, who) {
	const page = await (await fetch(url)).text();
	const link = page.split('<li>').find((l) => l.includes(who)).match(/href="([^"]*)"/)[1].replaceAll('&amp;', '&');
	return new URL((await fetch(base + link, { redirect: 'manual' })).headers.get('location'));
}

for (const alg of ['ES256', 'RS256', 'HS256']) {
	const f = await fake(alg);
	const project = await f.ask('GET', '/_project');
	await f.ask('PUT', '/_people', [{ name: 'Ines <Halvorsen>', email: 'ines@nordlicht.example' }]);
	const c = client(project);

	const start = await c.signInWithOAuth({ provider: 'google', options: { redirectTo: back, skipBrowserRedirect: true } });
	ok(start.data?.url, `${alg}: signInWithOAuth gives an address`, start.error);
	const to = await agree(f.base, start.data.url, 'ines@');
	ok(to.href.startsWith(`${back}?code=`), 'the provider sends back with a code');
	const got = await c.exchangeCodeForSession(to.searchParams.get('code'));
	ok(got.data?.session?.access_token, 'exchangeCodeForSession makes a session of it', got.error);
	ok(got.data.user.email === 'ines@nordlicht.example' && got.data.user.email_confirmed_at, 'of the person');
	const again = await client(project).exchangeCodeForSession(to.searchParams.get('code'));
	ok(again.error, 'and not a second time');

	const { data: claims, error } = await c.getClaims();
	ok(claims?.claims?.sub === got.data.user.id, 'getClaims checks the token, by the keys of the project', error);
	ok((await c.getUser()).data.user?.id === got.data.user.id, 'getUser asks who it is');

	const old = got.data.session.refresh_token;
	const renewed = await c.refreshSession();
	ok(renewed.data.session && renewed.data.session.refresh_token !== old, 'refreshSession turns the refresh token', renewed.error);
	await new Promise((r) => setTimeout(r, 1100));
	const thief = await client(project).refreshSession({ refresh_token: old });
	ok(thief.error?.code === 'refresh_token_already_used', 'the old one is known as used', thief.error);
	const after = await c.refreshSession();
	ok(after.error?.code === 'refresh_token_not_found', 'and has ended the session', after.error);

	const second = await c.signInWithOAuth({ provider: 'github', options: { redirectTo: back, skipBrowserRedirect: true } });
	const to2 = await agree(f.base, second.data.url, 'ines@');
	await c.exchangeCodeForSession(to2.searchParams.get('code'));
	await f.ask('POST', '/_rotate', {});
	const three = await c.refreshSession();
	ok(three.data.session, 'after a change of keys a session goes on', three.error);
	ok((await c.getClaims(three.data.session.access_token)).data?.claims, 'with a token of the new key');
	const out = await c.signOut({ scope: 'local' });
	ok(!out.error && (await f.ask('GET', '/_stats')).sessions === 0, 'signOut ends it', out.error);

	const third = await c.signInWithOAuth({ provider: 'google', options: { redirectTo: back, skipBrowserRedirect: true } });
	const to3 = await agree(f.base, third.data.url, 'ines@');
	const other = client(project);
	await other.signInWithOAuth({ provider: 'google', options: { redirectTo: back, skipBrowserRedirect: true } });
	ok((await other.exchangeCodeForSession(to3.searchParams.get('code'))).error?.code === 'bad_code_verifier',
		'a code of another browser is refused');
	const denied = await agree(f.base, third.data.url, 'Deny');
	ok(denied.searchParams.get('error') === 'access_denied' && denied.hash.includes('error=access_denied'), 'a refusal comes back in query and fragment');
	const astray = await c.signInWithOAuth({ provider: 'google', options: { redirectTo: 'http://evil.example/', skipBrowserRedirect: true } });
	ok((await agree(f.base, astray.data.url, 'ines@')).origin === 'http://127.0.0.1:3000', 'an address that is not allowed becomes the site');
	ok((await client(project, 'wrong').refreshSession({ refresh_token: old })).error?.status === 401, 'without the key nothing is answered');
	ok((await client(project).signInWithOAuth({ provider: 'gitlab', options: { redirectTo: back, skipBrowserRedirect: true } })
		.then((r) => fetch(r.data.url))).status === 400, 'a provider that is off is refused');
	f.stop();
}
console.log(`1..${run}`);
process.exitCode = failed ? 1 : 0;
