// Bytes on a connection, as no HTTP client would send them.
import net from 'node:net';

/** Cut a stream of answers: [{status, headers (lower case), body}]. */
export function answers(text) {
    const found = [];
    for (let rest = text; rest.length;) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) break;
        const [line, ...lines] = rest.slice(0, end).split('\r\n');
        const headers = Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()]));
        const status = Number(line.split(' ')[1]), length = Number(headers['content-length'] ?? 0);
        found.push({ status, headers, lines, body: rest.slice(end + 4, end + 4 + length) });
        rest = rest.slice(end + 4 + length);
    }
    return found;
}

/** A raw connection: {write, text, closed, until(condition), close}. Text is latin1. */
export function connect(port) {
    const socket = net.connect(port, '127.0.0.1');
    const c = { socket, text: '', closed: false, waiting: [] };
    const wake = () => { for (const w of c.waiting.splice(0)) w(); };
    socket.setEncoding('latin1');
    socket.on('data', (d) => { c.text += d; wake(); });
    socket.on('error', () => {});
    socket.on('close', () => { c.closed = true; wake(); });
    c.write = (bytes) => socket.write(bytes, 'latin1');
    c.until = async (condition, what, ms = 15_000) => {
        const deadline = Date.now() + ms;
        while (!condition()) {
            const left = deadline - Date.now();
            if (left <= 0) throw new Error(`${what} did not come; got ${JSON.stringify(c.text.slice(0, 300))}`);
            let timer;
            await Promise.race([new Promise((done) => c.waiting.push(done)), new Promise((done) => { timer = setTimeout(done, left); })]);
            clearTimeout(timer);
        }
    };
    c.close = () => socket.destroy();
    return c;
}

/** Send bytes and take all answers until the service closes the connection. */
export async function talk(port, bytes) {
    const c = connect(port);
    c.write(bytes);
    await c.until(() => c.closed, 'the end of the connection');
    return answers(c.text);
}
/** Send bytes and take the first answer. */
export async function ask(port, bytes) {
    const c = connect(port);
    c.write(bytes);
    await c.until(() => answers(c.text).length > 0 || c.closed, 'an answer');
    c.close();
    return answers(c.text)[0] ?? { status: 0, headers: {}, lines: [], body: '' };
}
