// SPDX-License-Identifier: MIT
// What a server does all day: strings, maps, buffers, compression, hashes. Prints one line.
'use strict';
const crypto = require('crypto');
const zlib = require('zlib');
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');

let state = 1;
function random(limit) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % limit;
}

function work(rounds) {
    const hash = crypto.createHash('sha256');
    const map = new Map();
    for (let i = 0; i < rounds; i++) {
        map.set(`key ${random(50000)}`, { i, text: 'x'.repeat(random(200)) });
        if (i % 1000 === 0) {
            const text = Buffer.from(JSON.stringify([...map].slice(0, 2000)));
            const packed = zlib.deflateSync(text, { level: 6 });
            if (!zlib.inflateSync(packed).equals(text))
                throw new Error('inflated to something else');
            hash.update(packed);
        }
    }
    return hash.digest('hex');
}

if (isMainThread) {
    const first = work(60000);
    const worker = new Worker(__filename, { workerData: 20000 });
    worker.on('message', (second) => console.log(first, second));
} else {
    parentPort.postMessage(work(workerData));
}
