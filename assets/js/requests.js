// How htmx behaves here, and what happens when the server does not answer.

const again = 5000;	// milliseconds until a failed saving is tried once more

function note(text) {
	let box = document.getElementById('net-note');

	if (!text) {
		box?.remove();
		return;
	}
	if (!box) {
		box = document.createElement('div');
		box.id = 'net-note';
		box.className = 'note note-bad';
		box.setAttribute('role', 'alert');
		document.body.append(box);
	}
	box.replaceChildren(document.createElement('p'));
	box.firstChild.textContent = text;
}

// ---- signed out while writing ----

let unsaved;	// the form that could not be saved

// Nothing typed is lost: the page stays, and is saved when its reader comes back signed in.
function stay(e) {
	const form = e.detail.elt.closest('form');
	const link = document.createElement('a');

	if (e.detail.xhr.status !== 401 || e.detail.requestConfig.verb === 'get' || !form)
		return;
	e.preventDefault();
	unsaved = form;
	note('You were signed out, so this is not saved yet. Your text is still here: ');
	link.href = '/sign-in';
	link.target = '_blank';
	link.textContent = 'sign in, in a new tab,';
	document.querySelector('#net-note p').append(link, ' and come back.');
}

async function resume() {
	const form = unsaved;

	if (!form)
		return;
	const answer = await fetch(location.href);
	const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
	const token = page.body.dataset.csrf;

	if (!token || form !== unsaved)
		return;
	unsaved = undefined;
	document.body.dataset.csrf = token;
	for (const field of document.querySelectorAll('input[name="csrf"]'))
		field.value = token;
	form.dispatchEvent(new Event('change'));
}

function configure(htmx) {
	Object.assign(htmx.config, {
		includeIndicatorStyles: false,	// the Content-Security-Policy allows no style element
		allowEval: false,
		allowScriptTags: false,
		historyCacheSize: 0,		// no pages with people's data in the browser's storage
		refreshOnHistoryMiss: true,
		scrollBehavior: 'auto',
		timeout: 30000,
		responseHandling: [
			{ code: '204', swap: false },
			{ code: '[23]..', swap: true },
			{ code: '422', swap: true },	// the form with its sentences
			{ code: '[45]..', swap: false, error: true },
		],
	});
}

// A button that was pressed rests until the answer is there; a download leaves the page where it
// is, so it comes back by itself.
function restButton(e) {
	const button = e.submitter;

	if (e.defaultPrevented || !button)
		return;
	setTimeout(() => { button.disabled = true; });	// after its name and value went along
	setTimeout(() => { button.disabled = false; }, 8000);
}

export function requests(htmx) {
	configure(htmx);
	document.addEventListener('htmx:configRequest', e => {
		if (document.body.dataset.csrf)
			e.detail.headers['X-CSRF-Token'] = document.body.dataset.csrf;
	});
	// nothing is polled for a page nobody looks at
	document.addEventListener('htmx:beforeRequest', e => {
		if (document.hidden && !e.detail.requestConfig.triggeringEvent)
			e.preventDefault();
	});
	document.addEventListener('htmx:beforeOnLoad', stay);
	window.addEventListener('focus', () => { resume().catch(() => {}); });
	// signed out meanwhile: the sign-in page is a page, not a part of one
	document.addEventListener('htmx:beforeSwap', e => {
		const there = new URL(e.detail.xhr.responseURL || location.href, location.href);

		if (there.pathname === '/sign-in' && location.pathname !== '/sign-in') {
			e.preventDefault();
			location.assign(there);
		}
	});
	document.addEventListener('htmx:afterRequest', e => {
		if (e.detail.successful)
			note('');
	});
	for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) {
		document.addEventListener(name, e => {
			const form = e.detail.elt.closest('form');
			const saving = e.detail.requestConfig.verb !== 'get';

			if (e.detail.xhr.status === 401) {
				location.reload();
				return;
			}
			note(saving ? 'Not saved: the server did not answer as it should. ' +
				'Your text is still here; it is tried again in a moment.' :
				'This page could not be brought up to date. It is tried again in a moment.');
			if (saving && form)
				setTimeout(() => form.dispatchEvent(new Event('change')), again);
		});
	}
	document.addEventListener('submit', restButton);
	window.addEventListener('pageshow', () => {
		for (const b of document.querySelectorAll('button:disabled'))
			b.disabled = b.hasAttribute('data-off');
	});
}
