// Every answer of the service against docs/openapi.yaml: status, content type, required headers, body.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AssertionError } from 'node:assert';
import Ajv2020 from 'ajv/dist/2020.js';
import { parse } from 'yaml';

export const document = parse(readFileSync(fileURLToPath(new URL('../../../docs/openapi.yaml', import.meta.url)), 'utf8'));
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ $id: 'contract', ...document });
const compiled = new Map();

const pointer = (...parts) => parts.map((p) => '/' + String(p).replace(/~/g, '~0').replace(/\//g, '~1')).join('');
const templates = Object.keys(document.paths)
    .map((path) => ({ path, pattern: new RegExp('^' + path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+') + '$'), holes: path.split('{').length }))
    .sort((a, b) => a.holes - b.holes);

function resolve(value, at) {
    if (value?.$ref === undefined) return [value, at];
    const parts = value.$ref.slice(2).split('/');
    return [parts.reduce((o, p) => o[p], document), pointer(...parts)];
}

function validate(at, value) {
    if (!compiled.has(at)) compiled.set(at, ajv.compile({ $ref: `contract#${at}` }));
    const check = compiled.get(at);
    return check(value) ? [] : check.errors.map((e) => `${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`);
}

/** What this process has tried: "METHOD /template" → the statuses that came back. */
export const exercised = new Map();

/** Throws unless the answer is one that the contract allows. `path` without query; `base` the configured base path. */
export function checkContract({ method, path, status, headers, text }, base = '') {
    const fault = (why) => {
        throw new AssertionError({ message: `contract: ${method} ${path} answered ${status}: ${why}\n${text.slice(0, 400)}` });
    };
    if (base && path.startsWith(base)) path = path.slice(base.length);
    const template = templates.find((t) => t.pattern.test(path));
    let operation;
    if (template) {
        const verbs = document.paths[template.path];
        operation = template.path.startsWith('/verify') ? 'get' : method.toLowerCase();
        if (operation === 'head') operation = 'get';
        if (!verbs[operation]) operation = undefined;
    }
    if (operation) {
        const name = `${operation.toUpperCase()} ${template.path}`;
        if (!exercised.has(name)) exercised.set(name, new Set());
        exercised.get(name).add(status);
    }
    if (status === 204 && method === 'OPTIONS') return; // CORS preflight
    const responses = operation ? document.paths[template.path][operation].responses : undefined;
    const listed = responses?.[status] ?? (status >= 400 ? responses?.default : undefined);
    if (!listed && status < 400) fault('the contract does not name this status');
    const [response, at] = listed
        ? resolve(listed, pointer('paths', template.path, operation, 'responses', responses[status] ? status : 'default'))
        : [document.components.responses.problem, pointer('components', 'responses', 'problem')];
    for (const [name, header] of Object.entries(response.headers ?? {})) {
        const [h, hat] = resolve(header, `${at}${pointer('headers', name)}`);
        const value = headers[name.toLowerCase()];
        if (value === undefined) {
            if (h.required) fault(`the header ${name} is missing`);
        } else {
            const errors = validate(`${hat}/schema`, value);
            if (errors.length) fault(`${name}: ${value}: ${errors.join('; ')}`);
        }
    }
    if (method === 'HEAD') return;
    if (!response.content) {
        if (text !== '') fault('a body where none belongs');
        return;
    }
    if (response['x-may-be-empty'] && text === '') return;
    const type = Object.keys(response.content)[0];
    if ((headers['content-type'] ?? '').split(';')[0] !== type) fault(`content type ${headers['content-type']}, not ${type}`);
    let body;
    for (const one of type === 'application/x-ndjson' ? text.trimEnd().split('\n') : [text]) {
        try {
            body = JSON.parse(one);
        } catch (e) {
            fault(`no JSON: ${e.message}: ${one}`);
        }
        const errors = validate(`${at}${pointer('content', type, 'schema')}`, body);
        if (errors.length) fault(`${errors.join('; ')}: ${one}`);
    }
    if (status >= 400) {
        if (type === 'application/problem+json' && body.status !== status) fault(`the body says status ${body.status}`);
        if (status === 401 && headers['www-authenticate'] === undefined) fault('401 without WWW-Authenticate');
        if ((status === 429 || status === 503) && !/^[1-9][0-9]*$/.test(headers['retry-after'] ?? '')) fault('no Retry-After');
        if (status === 405 && !headers.allow) fault('405 without Allow');
    }
    if (status >= 500 && status !== 503) fault('5xx to something a client sent');
}

/** Operations of the document: {method, path, operation}. */
export const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).filter(([verb]) => ['get', 'post', 'put', 'patch', 'delete'].includes(verb))
        .map(([verb, operation]) => ({ method: verb.toUpperCase(), path, operation })));
