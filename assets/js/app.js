// Small help on every page.  Pages work without it: what is here makes them quicker or safer.
import htmx from 'htmx.org';
import { confirmActs } from './confirm.js';
import { editing } from './editing.js';
import { requests } from './requests.js';

requests(htmx);
confirmActs();
editing();

// ---- menus: <details class="menu"> ------------------------------------------------------------

function closeMenus(except) {
	for (const menu of document.querySelectorAll('details.menu[open]')) {
		if (!menu.contains(except))
			menu.open = false;
	}
}

document.addEventListener('click', e => closeMenus(e.target));
document.addEventListener('keydown', e => {
	const menu = e.key === 'Escape' && document.activeElement?.closest('details.menu[open]');

	if (menu) {
		menu.open = false;
		menu.querySelector('summary').focus();
	}
});

// ---- <select data-submit>: its form goes off when it changes -----------------------------------

document.addEventListener('change', e => {
	if (e.target.matches?.('[data-submit]'))
		e.target.form.requestSubmit();
});

// ---- <button data-copy="#id">: copies the value or text of an element ---------------------------

async function copy(button) {
	const from = document.querySelector(button.dataset.copy);
	const before = button.innerHTML;

	try {
		await navigator.clipboard.writeText(from.value ?? from.textContent);
	} catch {
		from.select?.();	// no permission, or plain http: select it for copying by hand
		return;
	}
	button.textContent = 'Copied';
	setTimeout(() => { button.innerHTML = before; }, 2000);
}

document.addEventListener('click', e => {
	const button = e.target.closest?.('[data-copy]');

	if (button)
		copy(button);
});

for (const button of document.querySelectorAll('[data-copy][hidden]'))
	button.hidden = false;	// of no use without scripts

// ---- <form data-zone="time_zone">: fills that field with the browser's time zone while it is empty --

for (const form of document.querySelectorAll('form[data-zone]')) {
	const field = form.elements[form.dataset.zone];

	if (field && field.value === '')
		field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
}
