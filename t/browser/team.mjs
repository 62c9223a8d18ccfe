// A team comes together, in Chromium: an invitation by link and one by mail, the account made
// from it, handing over, leaving, an API key, and what the audit log says of all that.
import { done, is, lookAt, ok, openBrowser, person, startSite } from './lib.mjs';

const site = await startSite();
const browser = await openBrowser();
const complaints = [];

// Everybody has a browser of their own.
async function somebody() {
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, userAgent: person });
	const page = await context.newPage();
	page.on('console', (m) => { if (m.type() === 'error') complaints.push(`${page.url()}: ${m.text()}`); });
	page.on('pageerror', (e) => complaints.push(`${page.url()}: ${e.message}`));
	return page;
}
const heading = (page) => page.locator('h1').first().innerText();
const press = async (page, name) => {
	await page.getByRole('button', { name }).first().click();
	await page.waitForLoadState();
};
const follow = async (page, name) => {
	await page.getByRole('link', { name }).first().click();
	await page.waitForLoadState();
};

try {
	const ines = await somebody();
	await ines.goto(site.setup);
	await ines.getByLabel('Your name').fill('Ines Halvorsen');
	await ines.getByLabel('Email').fill('ines@nordlicht.example');
	await ines.getByLabel('Password').fill('four words do well');
	await press(ines, 'Create the account');
	await ines.getByLabel('Name', { exact: true }).fill('Nordlicht Kaffee');
	await ines.getByLabel(/From|Sender.*address|email/i).last().fill('hallo@nordlicht.example');
	await press(ines, /Create|Make/);
	const brand = new URL(ines.url()).pathname.match(/^\/brands\/\d+/)[0];

	// ---- inviting ----
	await follow(ines, 'Team');
	await lookAt(ines, '40-team');
	await ines.getByLabel('Email').fill('tomasz@nordlicht.example');
	await ines.getByLabel(/^Owner/).check();
	await ines.getByLabel(/Show me a link/).check();
	await press(ines, 'Invite');
	is(await heading(ines), 'Give tomasz@nordlicht.example this link', 'a link is shown, once');
	await lookAt(ines, '41-invitation-link');
	const link = await ines.getByLabel('Link').inputValue();
	await follow(ines, 'I have copied it');
	await ines.getByLabel('Email').fill('mira@nordlicht.example');
	await press(ines, 'Invite');
	ok(await ines.getByText('mira@nordlicht.example has mail').isVisible(), 'another goes by mail');
	await lookAt(ines, '42-team-invited');
	await ines.getByLabel('Email').fill('mira at nordlicht');
	await ines.locator('form', { has: ines.getByLabel('Email') }).evaluate((f) => { f.noValidate = true; });
	await press(ines, 'Invite');
	ok(await ines.locator('#e-email').isVisible(), 'what is no address is told at its place');
	await lookAt(ines, '43-team-refused');

	// ---- accepting ----
	await ines.goto(link);
	ok(await ines.getByText('you are signed in as').isVisible(), 'who is somebody else is told');
	await lookAt(ines, '44-invitation-other');
	const tomasz = await somebody();
	await tomasz.goto(link);
	is(await heading(tomasz), 'Join Nordlicht Kaffee', 'the link tells the brand');
	await lookAt(tomasz, '45-invitation');
	await tomasz.getByLabel('Your name').fill('Tomasz Wilk');
	await tomasz.getByLabel('Choose a password').fill('another few words');
	await press(tomasz, 'Make an account and join');
	is(new URL(tomasz.url()).pathname, brand, 'an account is made, and they are in');
	ok(await tomasz.getByText('Welcome to Nordlicht Kaffee').isVisible(), 'and welcome');
	const late = await somebody();
	await late.goto(link);
	is(await heading(late), 'Not found', 'the link works once');
	await lookAt(late, '46-invitation-used');

	// ---- roles ----
	await ines.goto(`${site.url}${brand}/members`);
	await lookAt(ines, '47-team-two');
	await tomasz.goto(`${site.url}${brand}/leave`);
	is(await heading(tomasz), 'Leave Nordlicht Kaffee?', 'leaving asks first');
	await lookAt(tomasz, '48-leave');
	await ines.getByRole('combobox', { name: 'Role of tomasz@nordlicht.example' }).selectOption('editor');
	await ines.getByRole('row', { name: /Tomasz/ }).getByRole('button', { name: 'Set' }).click();
	await ines.waitForLoadState();
	await follow(ines, 'Make owner…');
	is(await heading(ines), 'Hand Nordlicht Kaffee over to Tomasz Wilk?', 'handing over asks first');
	await lookAt(ines, '49-hand-over');
	await press(ines, 'Hand the brand over');
	ok(await ines.getByText('tomasz@nordlicht.example owns this brand now').isVisible(), 'then it happens');

	// ---- a key ----
	await follow(ines, 'API keys');
	await ines.getByLabel('Name').fill('Web shop');
	await ines.getByLabel(/^Transactional/).check();
	await press(ines, 'Make the key');
	await lookAt(ines, '50-key');
	await follow(ines, 'I have copied it');
	await lookAt(ines, '51-keys');

	// ---- the audit log ----
	await follow(ines, 'Audit log');
	ok(await ines.getByText('changed the role of Tomasz Wilk from owner to editor').isVisible(), 'the audit log says it in words');
	await lookAt(ines, '52-audit');
	await ines.getByLabel('Who: name or address').fill('tomasz');
	await press(ines, 'Search');
	is(await ines.locator('tbody tr').count(), 1, 'and can be searched');
	await ines.getByLabel('Who: name or address').fill('nobody');
	await press(ines, 'Search');
	ok(await ines.getByText('Nothing fits').isVisible(), 'also for what is not there');
	await lookAt(ines, '53-audit-nothing');
	await ines.goto(`${site.url}/audit`);
	ok(await ines.getByText('set up this server').isVisible(), 'that of the server has everything');
	await lookAt(ines, '54-audit-server');
	is(complaints.filter((c) => !/40[0-9]|422/.test(c)).join('\n'), '', 'the browser complains of nothing');
} catch (e) {
	ok(false, `the walk goes to its end: ${e.stack}`);
} finally {
	await browser.close();
	await site.stop();
	done();
}
