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
		(document.getElementById('main') ?? document.body).prepend(box);
	}
	box.textContent = text;
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
