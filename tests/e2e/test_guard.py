"""The first guard: neither a foreign page nor a rebound name gets in, and local callers do."""

from harness import description
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.http import raw_request
from harness.websocket import upgrade_response


ROUTES = [(method, path.format(pipe="line", id=1))
          for path in description.described.document["paths"]
          for method in description.described.methods(path)]


class Guard(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[pipe("line")])
        self.port = self.server.port

    def foreign_hosts(self):
        port = self.port
        return ["evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}",
                f"localhost.evil.example:{port}", f"localhost:{port}@evil.example", "192.0.2.7",
                f"evil.example#localhost:{port}", f"127.0.0.1:{port} evil.example", "",
                f"xlocalhost:{port}", "[::2]", "127.0.0.1:x", "localhost:", "..", "[::1"]

    def test_a_foreign_host_or_page_is_refused_on_every_route(self):
        for host in self.foreign_hosts():
            with self.subTest(host):
                answer = self.server.get("/api/v1/pipes", headers={"Host": host})
                self.assertIn(answer.status, (400, 403, 421), host)
        for method, path in ROUTES + [("GET", "/"), ("GET", "/nothing"), ("OPTIONS", "/healthz")]:
            for headers, code in [({"Host": f"evil.example:{self.port}"}, "host_not_allowed"),
                                  ({"Origin": "http://evil.example"}, "origin_not_allowed"),
                                  ({"Sec-Fetch-Site": "cross-site"}, "site_not_allowed")]:
                answer = self.server.request(method, path, b"", headers)
                self.assert_problem(answer, 403, code)

    def test_no_host_or_two_are_refused(self):
        for head in (b"", b"Host: localhost:%d\r\nHost: evil.example\r\n" % self.port):
            answer = raw_request(self.server.address,
                                 b"GET /api/v1/pipes HTTP/1.1\r\n" + head + b"\r\n")
            self.assertIn(answer.status, (400, 403, 421))

    def test_our_own_names_are_let_in(self):
        for host in (f"127.0.0.1:{self.port}", f"localhost:{self.port}", f"LOCALHOST:{self.port}",
                     f"[::1]:{self.port}"):
            answer = self.server.get("/api/v1/pipes", headers={"Host": host})
            self.assertEqual(answer.status, 200, host)

    def test_a_target_that_names_its_authority_is_guarded_by_it_too(self):
        own = b"localhost:%d" % self.port
        for authority, host, status in ((own, own, 200), (own, b"127.0.0.1:%d" % self.port, 200),
                                        (b"evil.example", own, 403), (own, b"evil.example", 403),
                                        (b"evil.example@" + own, own, 403), (b"", own, 403)):
            answer = raw_request(self.server.address, b"GET http://" + authority +
                                 b"/api/v1/pipes HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            self.assertEqual(answer.status, status, (authority, host))

    def test_blanks_around_the_host_are_no_part_of_it(self):
        for before, after in ((b"", b""), (b" \t ", b" \t")):
            answer = raw_request(self.server.address, b"GET /api/v1/pipes HTTP/1.1\r\nHost:" +
                                 before + b"localhost:%d" % self.port + after + b"\r\n\r\n")
            self.assertEqual(answer.status, 200, (before, after))

    def test_a_foreign_origin_is_refused(self):
        for origin in ("http://evil.example", "https://evil.example", "null",
                       f"http://evil.example:{self.port}", "http://localhost:1",
                       f"https://127.0.0.1:{self.port}.evil.example", "file://", "garbage", ""):
            for method, path, body in [("GET", "/api/v1/pipes", None),
                                       ("POST", "/api/v1/pipes/line/messages", b"x")]:
                answer = self.server.request(method, path, body, {"Origin": origin})
                self.assertEqual(answer.status, 403, f"{origin!r} {method}")
                self.assert_problem(answer, 403)
                self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_our_own_origin_is_let_in(self):
        for name in ("127.0.0.1", "localhost"):
            own = {"Origin": f"http://{name}:{self.port}", "Host": f"{name}:{self.port}"}
            self.assertEqual(self.server.get("/api/v1/pipes", headers=own).status, 200)
            answer = self.server.request("POST", "/api/v1/pipes/line/messages", b"x", own)
            self.assertEqual(answer.status, 202)

    def test_cross_site_fetches_are_refused(self):
        for site in ("cross-site", "same-site"):
            answer = self.server.request("POST", "/api/v1/pipes/line/messages", b"x",
                                         {"Sec-Fetch-Site": site})
            self.assert_problem(answer, 403)
        for site in ("same-origin", "none"):
            answer = self.server.get("/api/v1/pipes", headers={"Sec-Fetch-Site": site})
            self.assertEqual(answer.status, 200)

    def test_upgrades_are_guarded_too(self):
        for extra in ({"Origin": "http://evil.example"}, {"Host": f"evil.example:{self.port}"},
                      {"Origin": "null"}):
            answer = upgrade_response(self.server.address, extra=extra)
            self.assertIn(answer.status, (403, 421), extra)
        own = {"Origin": f"http://127.0.0.1:{self.port}"}
        self.assertEqual(upgrade_response(self.server.address, extra=own).status, 101)

    def test_a_refused_injection_injected_nothing(self):
        observer = self.ndjson(self.server, "?since=0")
        self.server.request("POST", "/api/v1/pipes/line/messages", b"evil",
                            {"Origin": "http://evil.example"})
        self.server.inject("line", b"good")
        self.assertEqual(observer.next()["text"], "good")
