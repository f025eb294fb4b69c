// Reads rows of JSON from standard input and prints them as an aligned table, as they come.
import { createInterface } from 'node:readline';

const number = (n) => (n === undefined || n === null ? '' : Math.abs(n) >= 1000 ? Math.round(n).toLocaleString('en') : String(n));
console.log(`${'what'.padEnd(54)} ${'value'.padStart(12)} ${'unit'.padEnd(11)} ${'ratio'.padStart(7)} ${'goal'.padStart(7)}       against`);
for await (const line of createInterface({ input: process.stdin })) {
    if (!line.startsWith('{')) {
        if (line.trim()) console.log(line);
        continue;
    }
    const r = JSON.parse(line);
    const met = r.met === undefined || r.met === null ? '     ' : r.met ? 'met  ' : 'MISS ';
    console.log(`${r.name.padEnd(54)} ${number(r.value).padStart(12)} ${(r.unit ?? '').padEnd(11)} ${number(r.ratio).padStart(7)} ${number(r.goal).padStart(7)} ${met} ${r.against ?? ''}`);
}
