// An account, from the first link to the second factor, in Chromium: with scripts, every page
// photographed and looked at by axe; then the same by links and forms alone.
import { createHmac } from 'node:crypto';
import { done, is, lookAt, ok, openBrowser, person, startSite, until } from './lib.mjs';

const browser = await openBrowser();
const mail = 'ines.halvorsen@nordlicht.example';

// RFC 6238, by ourselves
function code(secret, step) {
	const bits = [...secret].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
	const key = Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(step));
	const mac = createHmac('sha1', key).update(counter).digest();
	return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}

async function visitor(site, scripts) {
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, userAgent: person,
		javaScriptEnabled: scripts });
	const page = await context.newPage();
	const errors = [];
	page.on('console', (m) => { if (m.type() === 'error') errors.push(`${page.url()}: ${m.text()}`); });
	const press = async (name) => {
		await page.getByRole('button', { name, exact: true }).first().click();
		await page.waitForLoadState();
	};
	const fill = (label, value) => page.getByLabel(label, { exact: true }).fill(value);
	const text = async () => (await page.locator('main').innerText()).replace(/\s+/g, ' ');
	const go = (path) => page.goto(`${site.url}${path}`);
	const signIn = async (password) => {
		await go('/sign-in');
		await fill('Email', mail);
		await fill('Password', password);
		await press('Sign in');
	};
	return { page, errors, press, fill, text, go, signIn };
}

async function walk(scripts) {
	const site = await startSite();
	const how = scripts ? '' : ', without scripts';
	const a = await visitor(site, scripts), b = await visitor(site, scripts);
	const look = (v, name) => scripts && lookAt(v.page, `account-${name}`);

	try {
		await a.page.goto(site.setup);
		await a.fill('Your name', 'Ines Halvorsen');
		await a.fill('Email', mail);
		await a.fill('Password', 'a patient pour-over');
		await a.press('Create the account');

		// ---- a link for a new password ----
		await b.go('/sign-in');
		await look(b, '01-sign-in');
		await b.page.getByRole('link', { name: 'Forgot your password?' }).click();
		ok(/cannot send mail yet/.test(await b.text()), `no brand can send: the page says so${how}`);
		await look(b, '02-forgot-no-mail');
		await a.page.locator('[name=name]').fill('Nordlicht Coffee');
		await a.page.locator('[name=from_email]').fill('hello@nordlicht.example');
		await a.page.locator('[name=postal_address]').fill('Limmerstrasse 58, 30451 Hannover');
		await a.press('Create the brand');
		await b.go('/forgot');
		await look(b, '03-forgot');
		await b.fill('Email', mail);
		await b.press('Send the link');
		ok(/a link is in the outbox now/.test(await b.text()), `a link is on its way, as far as this server sends${how}`);
		await look(b, '04-forgot-asked');
		const there = await until(async () => {
			await a.go('/brands/1/outbox');
			return await a.page.getByText('Choose a new password').count() > 0;
		}, 10);
		ok(there, `an administrator finds the mail in the outbox${how}`);
		await a.page.getByText('Choose a new password').first().click();
		await a.page.waitForLoadState();
		await look(a, '04-mail');
		await a.go(`${new URL(a.page.url()).pathname}?view=text`);
		const link = (await a.page.locator('main').innerText()).match(/\/reset\/[A-Za-z0-9_-]{43}/)[0];
		await b.go(link);
		await look(b, '05-reset');
		await b.fill('New password', 'short');
		await b.press('Save the password');
		ok(await b.page.locator('.field-error').count() > 0, `a short password gets a sentence${how}`);
		await b.fill('New password', 'another patient brew');
		await b.press('Save the password');
		ok(/Your password was changed/.test(await b.text()), `the password is changed${how}`);
		await a.go('/account');
		is(new URL(a.page.url()).pathname, '/sign-in', `the other browser is signed out${how}`);
		await a.signIn('another patient brew');
		await b.signIn('another patient brew');

		// ---- the account ----
		await a.page.getByRole('link', { name: /Ines Halvorsen/ }).click();
		await a.page.waitForLoadState();
		is(await a.page.locator('h1').innerText(), 'Your account', `the side bar leads to the account${how}`);
		ok((await a.text()).match(/Chrome on Windows/g).length === 2, `two sessions are listed${how}`);
		await look(a, '06-account');
		await a.fill('Current password', 'not this one');
		await a.fill('New password', 'yet another brew');
		await a.press('Change the password');
		ok(/not your current password/.test(await a.text()), `a wrong password gets a sentence${how}`);
		await look(a, '07-account-wrong');

		// ---- the second factor ----
		await a.page.getByRole('link', { name: 'Set it up' }).click();
		await a.page.waitForLoadState();
		const secret = (await a.page.locator('#secret').innerText()).replace(/ /g, '');
		await look(a, '08-second-factor');
		const step = Math.floor(Date.now() / 30000);
		await a.fill('Code it shows now', code(secret, step));
		await a.fill('Your password', 'another patient brew');
		await a.press('Turn it on');
		const codes = (await a.page.locator('#codes').innerText()).match(/[a-z2-7]{4}(-[a-z2-7]{4}){3}/g);
		is(codes.length, 10, `ten recovery codes are shown${how}`);
		await look(a, '09-codes');
		await a.go('/account/second-factor');
		await look(a, '10-second-factor-on');
		await a.press('Sign out');
		await a.signIn('another patient brew');
		is(new URL(a.page.url()).pathname, '/sign-in/code', `a second step is asked for${how}`);
		await look(a, '11-code');
		await a.fill('Code', '12');
		await a.press('Sign in');
		ok(await a.page.locator('.field-error').count() > 0, `half a code gets a sentence${how}`);
		await a.fill('Code', code(secret, step + 1));
		await a.press('Sign in');
		ok(await a.page.getByRole('link', { name: /Ines Halvorsen/ }).count() > 0, `the code lets in${how}`);

		// ---- other browsers, other people ----
		await a.go('/account');
		await a.press('Sign out everywhere else');
		ok(/The other browser is signed out/.test(await a.text()), `the rest is signed out${how}`);
		await b.go('/account');
		is(new URL(b.page.url()).pathname, '/sign-in', `at once${how}`);
		await a.go('/users');
		await a.page.locator('summary', { hasText: 'Change' }).first().click();
		await look(a, '12-users');
		await a.press('Make a link');
		await look(a, '13-link');
		await a.go('/installation');
		await look(a, '14-installation');
		await a.press('Send me a test');
		ok(/The test is on its way/.test(await a.text()), `a test mail leaves${how}`);
		// 422 and 404 are answers here, not complaints of the page
		const complaints = [...a.errors, ...b.errors].filter(e => !/status of (4\d\d)/.test(e));
		is(complaints.join('\n'), '', `no page complains${how}`);
	} finally {
		await site.stop();
	}
}

await walk(true);
await walk(false);
await browser.close();
done();
