"""A restore over processes: it is everybody's content at one index, whoever dies or is away meanwhile."""

import threading
import time

from processes import PATIENCE_S, wait_until

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB)"
ROWS = 3000
OCTETS = {"Content-Type": "application/octet-stream"}


def backup(node):
    response = node.session.get(node.url + "/v1/backup", timeout=120)
    assert response.status_code == 200, response.text[:1000]
    return response.content


def restore(node, data):
    return node.session.post(node.url + "/v1/restore", data=data, headers=OCTETS, timeout=180)


def fill(cluster):
    cluster["n1"].must_write(TABLE)
    for _ in range(ROWS // 100):
        cluster["n1"].must_write(*["INSERT INTO item (body) VALUES (randomblob(1000))"] * 100)


def ids(node):
    return node.rows("SELECT count(*), max(id) FROM item", consistency="linearizable")[0]


def test_a_backup_of_one_node_is_restored_through_another(make_cluster):
    cluster = make_cluster()
    fill(cluster)
    data = backup(cluster["n2"])
    cluster["n1"].must_write("DELETE FROM item", "CREATE TABLE later (id INTEGER PRIMARY KEY)")
    response = restore(cluster["n3"], data)
    assert response.status_code == 200, response.text
    for node in cluster:
        assert ids(node) == [ROWS, ROWS], node.name
    cluster.wait_ready()
    cluster.check_equal()
    cluster["n2"].must_write("INSERT INTO item (body) VALUES (x'00')")
    cluster.check_equal()


def test_nodes_that_were_away_get_the_restored_content(make_cluster):
    cluster = make_cluster()
    fill(cluster)
    data = backup(cluster["n1"])
    away = cluster.others(cluster.leader())[0]
    away.kill()
    cluster.wait_writable(cluster.others(away)[0], "DELETE FROM item")
    response = restore(cluster.others(away)[0], data)
    assert response.status_code == 200, response.text
    cluster.start_node(away)
    cluster.wait_ready()
    # It comes to the restore while it catches up, and is opened again then.
    index = response.json()["index"]
    assert wait_until(lambda: away.query("SELECT 1", consistency="local", min_index=index).status_code == 200, PATIENCE_S)
    assert ids(away) == [ROWS, ROWS]
    cluster.check_equal()


def test_killing_the_leader_in_the_middle_leaves_all_of_it_or_nothing(make_cluster):
    cluster = make_cluster()
    fill(cluster)
    data = backup(cluster["n1"])
    cluster["n1"].must_write("DELETE FROM item WHERE id > 10")
    answers = []
    for delay_s in (0.02, 0.05, 0.1, 0.2):
        _, leader = wait_until(cluster.find_leader, PATIENCE_S)
        asked = cluster.others(leader)[0]
        request = threading.Thread(target=lambda node=asked: answers.append(restore(node, data)))
        request.start()
        time.sleep(delay_s)
        leader.kill()
        request.join(200)
        assert not request.is_alive()
        cluster.start_node(leader)
        cluster.wait_ready()
        found = ids(asked)
        if answers[-1].status_code == 200:
            assert found == [ROWS, ROWS]
        else:
            problem = answers[-1].json()
            assert answers[-1].status_code == 503, problem
            assert found == [10, 10] or (found == [ROWS, ROWS] and problem["outcome"] == "unknown"), problem
        cluster.check_equal()
        if found == [ROWS, ROWS]:
            cluster.wait_writable(asked, "DELETE FROM item WHERE id > 10")
    print("answers:", [answer.status_code for answer in answers])
