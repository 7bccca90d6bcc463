import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT_LOOKS, SUSPECT_LOOKS, WayJudge, readWay } from '../web/way_watch.js';

const looks = (judge, pattern) => [...pattern].map((c) => judge.look(c === '+'));

test('a voice that stops is suspect at once, a way that is silent is dead after a second, and back with the first packet', () => {
  const judge = new WayJudge();
  looks(judge, '++++');
  const after = looks(judge, '-'.repeat(SILENT_LOOKS + 3));
  assert.equal(after.indexOf('suspect'), SUSPECT_LOOKS - 1);
  assert.equal(after.indexOf('dead'), SILENT_LOOKS - 1);
  assert.equal(after.filter(Boolean).length, 2); // each is said once
  assert.deepEqual(looks(judge, '++'), ['back', 'alive']);
});

test('what comes now and then, as while nobody speaks, raises no suspicion', () => {
  assert.deepEqual(looks(new WayJudge(), '--+---+--+---+').filter((w) => w && w !== 'alive'), []);
});

test('after a change of network the next silent look is enough, and one that hears something puts it right', () => {
  const judge = new WayJudge();
  looks(judge, '++++');
  judge.doubt();
  assert.equal(judge.look(false), 'dead');
  judge.look(true);
  judge.doubt();
  assert.deepEqual(looks(judge, '+--'), ['alive', null, null]);
});

test('the way is told from the chosen pair, as each browser marks it', () => {
  const local = (id, more) => ({ id, type: 'local-candidate', ...more });
  const pair = (id, candidate, more) => ({ id, type: 'candidate-pair', localCandidateId: candidate, bytesReceived: 10, ...more });
  const candidates = [local('u', { protocol: 'udp', candidateType: 'host' }), local('t', { protocol: 'tcp', candidateType: 'prflx' }),
    local('r', { protocol: 'udp', candidateType: 'relay', relayProtocol: 'tls' })];
  const pairs = [pair('1', 'u'), pair('2', 't'), pair('3', 'r')];
  for (const [chosen, path] of [['1', 'udp'], ['2', 'tcp'], ['3', 'relay']]) {
    assert.deepEqual(readWay([...candidates, ...pairs, { type: 'transport', selectedCandidatePairId: chosen }]), { bytes: 30, path });
    assert.deepEqual(readWay([...candidates, ...pairs.map((p) => ({ ...p, selected: p.id === chosen }))]), { bytes: 30, path });
  }
  assert.deepEqual(readWay([]), { bytes: 0, path: null });
});
