// test-count FILE [failures]: reads meson's testlog.json and prints "passed failed skipped", counting cmocka's cases one by one; or what the
// programs that failed had to say, its end.
import { readFileSync } from 'node:fs';

let passed = 0, failed = 0, skipped = 0;
const sum = (text, pattern) => [...text.matchAll(pattern)].reduce((n, m) => n + Number(m[1]), 0);
for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
    const test = JSON.parse(line);
    const text = `${test.stdout ?? ''}\n${test.stderr ?? ''}`;
    const cases = sum(text, /\[ {2}PASSED {2}\] (\d+) test\(s\)/g);
    const broken = sum(text, /\[ {2}FAILED {2}\] (?:tests: )?(\d+) test\(s\)/g);
    if (process.argv[3] === 'failures') {
        if (test.result !== 'SKIP' && test.result !== 'OK') console.log(`--- ${test.name}: ${test.result}\n${[...text.split('\n').filter((l) => /not ok|FAILED|ERROR|error:/.test(l)).slice(0, 40), '…', ...text.split('\n').slice(-60)].join('\n')}`);
        continue;
    }
    if (test.result === 'SKIP') skipped += 1;
    else if (test.result === 'OK' || test.result === 'EXPECTEDFAIL') passed += cases || 1;
    else {
        passed += cases;
        failed += broken || 1;
    }
}
if (process.argv[3] !== 'failures') console.log(passed, failed, skipped);
