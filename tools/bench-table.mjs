// Reads rows of JSON from standard input and prints them as an aligned table, as they come; at the end, how many goals were
// met, and which were not.
import { createInterface } from 'node:readline';

const number = (n) => (n === undefined || n === null ? '' : Math.abs(n) >= 1000 ? Math.round(n).toLocaleString('en') : String(n));
console.log(`${'what'.padEnd(54)} ${'value'.padStart(12)} ${'unit'.padEnd(11)} ${'ratio'.padStart(7)} ${'goal'.padStart(7)}       against`);
let met = 0;
const missed = [];
for await (const line of createInterface({ input: process.stdin })) {
    if (!line.startsWith('{')) {
        if (line.trim()) console.log(line);
        continue;
    }
    const r = JSON.parse(line);
    if (r.met === true) met++;
    if (r.met === false) missed.push(r);
    const verdict = r.met === undefined || r.met === null ? '     ' : r.met ? 'met  ' : 'MISS ';
    console.log(`${r.name.padEnd(54)} ${number(r.value).padStart(12)} ${(r.unit ?? '').padEnd(11)} ${number(r.ratio).padStart(7)} ${number(r.goal).padStart(7)} ${verdict} ${r.against ?? ''}`);
}
if (met + missed.length > 0) console.log(`\n${met} of ${met + missed.length} goals met`);
for (const r of missed) console.log(`missed: ${r.name}: ${r.ratio ?? r.value}, goal ${r.goal}${r.against ? `, against ${r.against}` : ''}`);
