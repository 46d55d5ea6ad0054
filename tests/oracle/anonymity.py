#!/usr/bin/python3
"""Figures of anonymity by numpy, for tests/test_anonymity.c: from whole matrices of cosines instead of loops over pairs, rank 1
by counting all choices of a gallery where the program has a recurrence, and ridge regression by the normal equations.

    /usr/bin/python3 tests/oracle/anonymity.py > tests/fixtures/anonymity/fixture.json
"""
import itertools
import json

import numpy as np

import filled

SALT, DIM = "anonymity/", 24


def fill(name, shape, a, b=0):
    return filled.fill(SALT, name, shape, a, b).astype(np.float64)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def codes(name, persons, each, spread, leak):
    """A person's middle with a spread; anonymised: another middle with a part of the person's."""
    middle = fill(name + ".middle", (persons, DIM), 1)[np.repeat(np.arange(persons), each)]
    other = fill(name + ".other", (persons * each, DIM), 1)
    n = persons * each
    original = unit((middle + fill(name + ".spread", (n, DIM), spread)).astype(np.float32).astype(np.float64))
    anonymised = unit((other + leak * middle).astype(np.float32).astype(np.float64))
    return original, anonymised, np.repeat(np.arange(persons), each)


def rank1(scores, person, candidates):
    """The mean over genuine pairs and over all galleries: `candidates` - 1 others, one picture each."""
    persons, total, count = person.max() + 1, 0.0, 0
    for a, b in itertools.permutations(range(len(person)), 2):
        if person[a] != person[b]:
            continue
        behind = np.array([(scores[a, person == q] < scores[a, b]).mean() for q in range(persons) if q != person[a]])
        if candidates >= persons:
            total += behind.prod()
        else:
            chosen = itertools.combinations(behind, candidates - 1)
            total += np.mean([np.prod(c) for c in chosen])
        count += 1
    return total / count


def measure(name, persons, each, spread, leak):
    original, anonymised, person = codes(name, persons, each, spread, leak)
    before, after = original @ original.T, anonymised @ original.T
    n = len(person)
    same = person[:, None] == person[None, :]
    genuine = same & ~np.eye(n, dtype=bool)
    upper = np.triu(np.ones((n, n), bool), 1)
    impostors = np.sort(before[upper & ~same])[::-1]
    allowed = int(0.001 * len(impostors))
    threshold = impostors[allowed]
    lost = genuine & (before > threshold)
    a, b = np.sort(after[genuine]), np.sort(after[~same])
    at = np.unique(np.concatenate([a, b]))
    missed, passed = np.searchsorted(a, at, "right") / len(a), 1 - np.searchsorted(b, at, "right") / len(b)
    best = np.argmin(np.abs(missed - passed))
    hits = np.array([(after[genuine & (person == q)[:, None]] > threshold).sum() for q in range(persons)], float)
    of = np.full(persons, each * (each - 1), float)
    rate = hits.sum() / of.sum()
    error = np.sqrt(((hits - rate * of) ** 2).sum() * persons / (persons - 1)) / of.sum()
    own = np.diag(after)
    return {
        "name": name, "persons": persons, "each": each, "spread": spread, "leak": leak,
        "impostor": len(impostors), "threshold": threshold,
        "tar_before": float((before[genuine] > threshold).mean()),
        "tar": rate, "tar_error": error,
        "lost": float((after[lost] <= threshold).mean()),
        "eer": float((missed[best] + passed[best]) / 2),
        "reid": float(np.mean([own[i] > np.delete(after[i], i).max() for i in range(n)])),
        "self": float(own.mean()),
        "parrot_tar": float(((anonymised @ anonymised.T)[genuine] > threshold).mean()),
        "rank1": rank1(after, person, persons), "rank1_of_4": rank1(after, person, 4) if persons < 20 else None,
    }


def ridge(name, penalty, train, test):
    """The way back from a fixed turn and a shift, with some noise: fitted to all pairs at one penalty."""
    to = unit(fill(name + ".to", (train + test, DIM), 1))
    turn = np.linalg.qr(fill(name + ".turn", (DIM, DIM), 1))[0]
    start = unit(to @ turn + 0.3 + fill(name + ".noise", to.shape, 0.05)).astype(np.float32).astype(np.float64)
    to = to.astype(np.float32).astype(np.float64)
    x, y = start[:train], to[:train]
    w = np.linalg.solve((x - x.mean(0)).T @ (x - x.mean(0)) + penalty * train / DIM * np.eye(DIM),
                        (x - x.mean(0)).T @ (y - y.mean(0)))
    guess = unit((start[train:] - x.mean(0)) @ w + y.mean(0))
    return {"name": name, "train": train, "test": test, "cosine": float((guess * to[train:]).sum(1).mean()),
            "from": [round(float(v), 6) for v in start.ravel()], "to": [round(float(v), 6) for v in to.ravel()]}


cases = [measure("many", 60, 3, 0.5, 0.2), measure("few", 8, 3, 0.8, 0.6)]
print(json.dumps({"salt": SALT, "dim": DIM, "cases": cases, "ridge": ridge("back", 1e-4, 60, 20)}, separators=(",", ":")).replace('{"name"', '\n{"name"'))
