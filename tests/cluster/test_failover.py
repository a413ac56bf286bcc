"""Leaders that die, hand over or are cut off, while clients write without a pause."""

import concurrent.futures
import statistics
import time

from chaos.client import APPLIED, UNKNOWN, ask
from load import TABLE, Load
from processes import PATIENCE_S, PATIENT, wait_until

KILLS = 6
MAX_FAILOVER_S = 10
MAX_HANDOVER_S = 10


def test_killing_the_leader_again_and_again_loses_nothing_acknowledged(make_cluster):
    cluster = make_cluster()
    gaps, terms = [], []
    with Load(cluster) as load:
        for _ in range(KILLS):
            cluster.wait_ready()
            load.wait_applied(150)
            term, leader = wait_until(cluster.find_leader, PATIENCE_S)
            killed = time.monotonic()
            leader.kill()
            gaps.append(load.wait_first_applied(killed))
            terms.append(term)
            cluster.start_node(leader)
        cluster.wait_ready()
        load.wait_applied(50)
    print(f"the leader killed {KILLS} times: writes stopped for {statistics.median(gaps):.2f} s (median), "
          f"{max(gaps):.2f} s (longest); {load.summary()}")
    assert terms == sorted(set(terms)), "each leader that was killed had a term of its own"
    assert max(gaps) < MAX_FAILOVER_S, gaps
    load.check()
    cluster.check_equal()


def test_killing_a_follower_is_not_noticed_by_clients_of_the_others(make_cluster):
    cluster = make_cluster(flags=PATIENT)
    leader = cluster.leader()
    follower, other = cluster.others(leader)
    with Load(cluster, [leader, leader, other, other]) as load:
        for _ in range(2):
            follower.kill()
            load.wait_applied(100)
            cluster.start_node(follower)
            cluster.wait_ready()
            load.wait_applied(50)
    assert load.failures() == []
    load.check()
    cluster.check_equal()


def test_handing_over_leadership_fails_no_write(make_cluster):
    cluster = make_cluster(flags=PATIENT)
    gaps = []
    with Load(cluster, [*cluster, *cluster], timeout_ms=30_000) as load:
        for number in range(4):
            load.wait_applied(100)
            heir = cluster.others(cluster.leader())[number % 2]
            begin = time.monotonic()
            response = cluster.nodes[f"n{number % 3 + 1}"].request("POST", "/v1/cluster/leader", {"node": heir.id})
            assert response.status_code == 200 and response.json() == {"leader": heir.id}, response.text
            load.wait_applied(50)
            gaps.append(load.longest_gap(begin, time.monotonic()))
    print(f"leadership handed over 4 times: writes stopped for {max(gaps):.3f} s (longest); {load.summary()}")
    assert load.failures() == []
    assert max(gaps) < MAX_HANDOVER_S
    load.check()
    cluster.check_equal()
    unknown = cluster["n2"].request("POST", "/v1/cluster/leader", {"node": "n9"})
    assert unknown.status_code == 404 and unknown.json()["code"] == "not_found", unknown.text


def test_a_leader_without_its_majority_neither_writes_nor_answers_linearizable_reads(make_cluster):
    cluster = make_cluster()
    cluster.leader().must_write(TABLE, "INSERT INTO written VALUES (0, 'before')")
    leader = cluster.wait_settled()["leader"]
    old, followers = cluster[leader], cluster.others(cluster[leader])
    for follower in followers:
        follower.pause()
    refused, unknown = [], []
    for key in range(1, 5):
        response = old.write(("INSERT INTO written VALUES (?, 'cut off')", [key]), timeout_ms=1000)
        assert response.status_code == 503, response.text
        assert response.json()["outcome"] in ("not_applied", "unknown") and "Retry-After" in response.headers
        (refused if response.json()["outcome"] == "not_applied" else unknown).append(key)
        response = old.query("SELECT count(*) FROM written", consistency="linearizable", timeout_ms=1000)
        assert response.status_code == 503 and "rows" not in response.json(), response.text
    assert refused, "once the leader has noticed, it refuses"
    assert old.rows("SELECT note FROM written WHERE key = 0", consistency="local") == [["before"]]
    assert not old.is_ready()
    for follower in followers:
        follower.resume()
    for node in cluster.wait_ready():
        cluster.wait_writable(node, f"INSERT INTO written VALUES ({100 + int(node.id[1:])}, 'after')")
    cluster.check_equal()
    for node in cluster:
        stored = {key for [key] in node.rows("SELECT key FROM written")}
        assert stored & set(refused) == set(), f"refused writes appeared: {stored}"
        assert stored - set(unknown) >= {0, 101, 102, 103}


def test_a_leader_that_was_away_does_not_answer_from_the_past(make_cluster):
    """Reads and writes wait at its door when it wakes up, before it can have heard of the next leader."""
    cluster = make_cluster()
    old = cluster.leader()
    old.must_write(TABLE)
    cluster.wait_settled()
    old.pause()
    other = cluster.others(old)[0]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        cluster.wait_writable(other, "INSERT INTO written VALUES (0, 'by the next leader')")
        reads = [pool.submit(ask, old, "POST", "/v1/query", {"sql": "SELECT key FROM written WHERE key = 0"}, PATIENCE_S)
                 for _ in range(8)]
        writes = {key: pool.submit(ask, old, "POST", "/v1/transactions",
                                   {"statements": [{"sql": f"INSERT INTO written VALUES ({key}, 'waited')"}]}, PATIENCE_S)
                  for key in range(1, 5)}
        time.sleep(0.5)  # they have been sent; if not yet, that is no mistake
        old.resume()
        answers = [read.result() for read in reads]
        outcomes = {key: write.result().outcome for key, write in writes.items()}
    for answer in answers:
        assert answer.status in (200, 503), answer.body
        assert answer.status == 503 or answer.body["rows"] == [[0]], "a linearizable read from the past"
    cluster.wait_ready()
    cluster.check_equal()
    stored = [key for [key] in other.rows("SELECT key FROM written WHERE key > 0")]
    assert len(stored) == len(set(stored)), "a write that was sent on was applied twice"
    for key, outcome in outcomes.items():
        assert outcome == UNKNOWN or (key in stored) == (outcome == APPLIED), (key, outcome, stored)


def test_a_leader_that_was_away_finds_another_and_follows(make_cluster):
    cluster = make_cluster()
    with Load(cluster) as load:
        term, leader = wait_until(cluster.find_leader, PATIENCE_S)
        leader.pause()
        paused = time.monotonic()
        others = cluster.others(leader)
        assert wait_until(lambda: any(a.begin > paused and a.outcome == APPLIED and a.node in others
                                      for a in load.attempts()), PATIENCE_S), cluster.log_tails()
        leader.resume()
        cluster.wait_ready()
        load.wait_applied(50)
    assert cluster.leader().status()["term"] > term
    load.check()
    cluster.check_equal()
