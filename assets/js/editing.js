// Forms in which people write.
//
//	<button data-insert="{{ first_name }}">	puts the text where the cursor was last in its form
//	<form data-guard>			asks before leaving while something is not saved
//
// Ctrl+S saves a form that saves itself (hx-post).

const field = 'textarea, input[type="text"], input:not([type])';
const lastFocused = new WeakMap();	// form: field

function insert(target, text) {
	// editor.js answers this for its textareas
	if (!target.dispatchEvent(new CustomEvent('editor:insert', { detail: text, cancelable: true })))
		return;
	target.setRangeText(text, target.selectionStart, target.selectionEnd, 'end');
	target.dispatchEvent(new Event('input', { bubbles: true }));
	target.focus();
}

function insertFrom(button) {
	const form = button.form ?? button.closest('form') ?? document.querySelector('form.pane-form');
	const target = lastFocused.get(form) ?? form?.querySelector('textarea');
	const menu = button.closest('details.menu');

	if (menu)
		menu.open = false;
	if (target)
		insert(target, button.dataset.insert);
}

function guard() {
	const unsaved = new Set();

	document.addEventListener('input', e => {
		const form = e.target.form;

		if (form?.matches('[data-guard]'))
			unsaved.add(form);
	});
	document.addEventListener('submit', e => unsaved.delete(e.target));
	document.addEventListener('htmx:afterRequest', e => {
		if (e.detail.successful)
			unsaved.delete(e.detail.elt.closest('form'));
	});
	window.addEventListener('beforeunload', e => {
		if ([...unsaved].some(f => f.isConnected))
			e.preventDefault();
	});
}

// How long the subject and the preview text are, beside them.
function count(input) {
	const span = input.closest('.mail-fields label')?.querySelector('span.tn');

	if (span)
		span.textContent = [...input.value].length.toLocaleString('en');
}

export function editing() {
	document.addEventListener('input', e => {
		if (e.target.matches?.('.mail-fields label input'))
			count(e.target);
	});
	document.addEventListener('focusin', e => {
		if (e.target.form && e.target.matches?.(field))
			lastFocused.set(e.target.form, e.target);
	});
	document.addEventListener('editor:focus', e => lastFocused.set(e.target.form, e.target));
	document.addEventListener('click', e => {
		const button = e.target.closest?.('[data-insert]');

		if (button)
			insertFrom(button);
	});
	document.addEventListener('keydown', e => {
		const form = document.activeElement?.closest('form[hx-post]');

		if (e.key === 's' && (e.ctrlKey || e.metaKey) && form) {
			e.preventDefault();
			form.dispatchEvent(new Event('change'));
		}
	});
	guard();
}
