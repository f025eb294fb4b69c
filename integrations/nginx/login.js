// Logs in with Cardea and goes on to where the visitor wanted to go. The cookie that comes back is HttpOnly: no script
// ever sees it.
'use strict';

// The place in ?next=…, as nginx wrote it: the raw rest of the query, no other parameter. Only a path on this very site
// counts; "//host", "/\host" and whatever else would lead away does not.
function destination(search, origin) {
    const next = search.startsWith('?next=') ? search.slice('?next='.length) : '/';
    if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(next) || next.includes('\\')) return '/';
    // Dots are resolved here, so that what is looked at is what the browser will see: "/./%2e//evil" becomes "//evil".
    const url = new URL(next, origin);
    return url.origin === origin && !url.pathname.startsWith('//') ? url.pathname + url.search : '/';
}

const sentences = {
    invalid_credentials: 'The user name or password is wrong.',
    rate_limited: 'Too many attempts. Please wait a moment and try again.',
    busy: 'The service is busy. Please try again.',
};

async function login(form, message) {
    const data = new FormData(form);
    const answer = await fetch('/v1/login', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        credentials: 'same-origin',
        body: JSON.stringify({
            username: data.get('username'),
            password: data.get('password'),
            remember: data.get('remember') === 'on',
        }),
    });
    if (answer.ok) {
        location.replace(destination(location.search, location.origin));
        return;
    }
    const problem = await answer.json().catch(() => ({}));
    message.textContent = sentences[problem.code] ?? 'That did not work. Please try again.';
}

if (typeof document !== 'undefined') {
    const form = document.getElementById('login'), message = document.getElementById('message');
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        const button = form.querySelector('button');
        button.disabled = true;
        message.textContent = '';
        try {
            await login(form, message);
        } catch {
            message.textContent = 'The service can not be reached. Please try again.';
        } finally {
            button.disabled = false;
        }
    });
} else {
    module.exports = { destination };
}
