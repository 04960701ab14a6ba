"""What a case does to the demo: a bad token at every door, or requests, each with what must come back."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from string import Template
from typing import Any

from tests.browser.running import PASSWORD

from .forging import forge, refresh_token
from .runner import LIFETIME, Case
from .service import Answer, Service

#: A view of the package, one of Django REST framework, and a plain one behind the middleware.
DOORS = ("/auth/me/", "/protected-data/", "/seed/angularjs/")
COOKIE = "__Host-ironclad_refresh_token"
#: Of a line that the server of Django's own writes for each request; addresses are the client's, and it repeats them.
_ACCESS = re.compile(r"^.* (?:INFO|WARNING) django\.(?:server|request): .*\n", re.MULTILINE)
_INVALID = {"error": "invalid_token", "error_description": "The access token is invalid, expired or revoked."}
_STEP = {"control", "login", "send", "raw", "pause", "headers", "json", "body", "by", "cookie", "page", "version"}
_STEP |= {"transport", "token", "mint", "elapse", "sql", "times", "parallel", "hashes", "log"}
_STEP |= {"expect", "error", "save", "name", "same_as", "lacks", "header", "changes"}


class Story:
    """One case, with people of its own and what it has learnt so far, by name."""

    def __init__(self, service: Service, case: Case) -> None:
        self.service, self.case = service, case
        self.names = {"host": service.host, "origin": service.demo.url, "password": PASSWORD}
        self.names |= {"user": service.somebody(), "other": service.somebody(), "nobody": f"nobody-{case.id}"}
        self.names |= {"long": "x" * 9000, "x1024": "x" * 1024, "deep": "[" * 2000 + "]" * 2000}
        self.answers: dict[str, Answer] = {}
        self.secrets = {PASSWORD, *case.never_logged}

    def fill(self, value: Any) -> Any:
        match value:
            case str():
                return Template(value).substitute(self.names)
            case list():
                return [self.fill(each) for each in value]
            case dict():
                return {self.fill(name): self.fill(member) for name, member in value.items()}
        return value

    def tell(self) -> None:
        """All of it. AssertionError where anything else comes back than the case says."""
        self.service.written()
        for number, step in enumerate(self.case.step):
            assert step.keys() <= _STEP, f"no words of this vocabulary: {step.keys() - _STEP}"
            try:
                self._do(step)
            except AssertionError as error:
                raise AssertionError(f"{self.case.name}, step {number + 1}: {error}") from None
        read(self.service.written(), self.secrets)

    def _do(self, step: Mapping[str, Any]) -> None:
        if "elapse" in step:
            self.service.elapse(step["elapse"], of=[self.names["user"], self.names["other"]])
        elif "sql" in step:
            with self.service.database() as database:
                assert database.execute(self.fill(step["sql"])).rowcount == 1, "the row is there"
        elif "mint" in step:
            self._mint(self.fill(step["mint"]))
        elif "token" in step:
            self._forge(step)
        elif "login" in step:
            self.login(step["login"], step.get("transport", "body"))
        else:
            self._ask(step)

    def login(self, who: str, transport: str = "body") -> None:
        """`$user` logs in: `$user_access`, `$user_refresh`, its `$user_mac`, `$user_sid`, `$user_id`."""
        said = {"username": self.names[who], "password": PASSWORD, "transport": transport}
        answer = self._send({"send": "POST /auth/login/", "page": transport == "cookie", "json": said})
        assert answer.status == 200, f"the login: {answer}"
        cookie = _cookie_of(answer)
        self._learn(who, {**answer.json, **({"refresh_token": cookie} if cookie else {})})

    def _learn(self, who: str, tokens: Mapping[str, str]) -> None:
        access = tokens["access_token"]
        said = claims_of(access)
        self.names |= {f"{who}_access": access, f"{who}_sid": said["sid"], f"{who}_id": said["sub"]}
        self.secrets.add(access)
        if refresh := tokens.get("refresh_token"):
            self.names |= {f"{who}_refresh": refresh, f"{who}_mac": refresh.rpartition(".")[2]}
            self.secrets.add(refresh)

    def _mint(self, said: Mapping[str, Any]) -> None:
        """A refresh token by who has the secret, the seed, or both."""
        sid = said.get("sid", self.names["user_sid"])
        secret = b"" if said.get("secret") == "none" else self.service.refresh_secret
        seed = b"" if said.get("seed") == "none" else self.service.seed(said.get("seed_of", sid))
        generation, branch = said.get("generation", 0), said.get("branch", 0)
        minted = refresh_token(sid, generation, branch, secret=secret, seed=seed)
        self.names[said["as"]] = minted
        self.secrets.add(minted)

    def _forge(self, step: Mapping[str, Any]) -> None:
        """`$forged`, an access token of `$user` as `forge` makes it, by the service's own key."""
        now = int(time.time())
        said = claims_of(self.names["user_access"]) | {"iat": now, "exp": now + LIFETIME}
        self.names["forged"] = forge(self.fill(step["token"]), algorithm="ES256", claims=said, now=now)

    def _ask(self, step: Mapping[str, Any]) -> None:
        before = self.service.rows()
        times, parallel = step.get("times", 1), step.get("parallel", 1)
        read(self.service.written(), self.secrets)
        if parallel > 1:
            with ThreadPoolExecutor(parallel) as pool:
                answers = list(pool.map(lambda _: self._send(step), range(parallel)))
        else:
            answers = [self._send(step) for _ in range(times)][-1:]
        for answer in answers:
            self._judge(step, answer)
        log = self.service.written()
        read(log, self.secrets)
        if "hashes" in step:
            assert log.count("attacks: one hash") == step["hashes"], f"{log.count('attacks: one hash')} hashes"
        for words in step.get("log", []):
            assert self.fill(words) in log, f"the log does not say {words}"
        refused = all(answer.status >= 400 for answer in answers)
        if refused or "changes" in step:
            changed = self.service.rows() != before
            assert changed == step.get("changes", False), "rows changed" if changed else "no row changed"

    def _send(self, step: Mapping[str, Any]) -> Answer:
        if "raw" in step:
            chunks = [self.fill(chunk).encode("latin-1") for chunk in step["raw"]]
            return self.service.say(*chunks, pause=step.get("pause", 0))
        headers = [(name, self.fill(value)) for name, value in step.get("headers", [])]
        if "by" in step:
            headers.append(("Authorization", f"Bearer {self.names[step['by']]}"))
        if "cookie" in step:
            headers.append(("Cookie", f"{COOKIE}={self.fill(step['cookie'])}"))
        if step.get("page"):
            headers += [("Origin", self.names["origin"]), ("Sec-Fetch-Site", "same-origin")]
        body = self.fill(step.get("body", "")).encode("latin-1")
        if "json" in step:
            body = json.dumps(self.fill(step["json"])).encode()
            headers.append(("Content-Type", "application/json"))
        return self.service.ask(self.fill(step["send"]), headers, body, version=step.get("version", "1.1"))

    def _judge(self, step: Mapping[str, Any], answer: Answer) -> None:
        wanted = step["expect"] if isinstance(step["expect"], list) else [step["expect"]]
        assert answer.status in wanted, f"{answer.status}, not {step['expect']}: {answer.body[:300]!r}"
        body = answer.json
        if answer.status >= 400 and isinstance(body, dict) and "error" in body:
            assert body["error"] == step.get("error"), f"{body}, not {step.get('error')}"
            assert answer.header("cache-control") == "no-store", "it may be stored"
        else:
            assert answer.status < 400 or "error" not in step, f"no error of ours: {answer.body[:300]!r}"
        text = f"{answer.headers}{answer.body.decode(errors='replace')}"
        for secret in self.fill(step.get("lacks", [])):
            assert secret not in text, f"it says {secret}"
        assert "Traceback" not in text, "a traceback"
        assert "DEBUG = True" not in text, "Django's page for developers"
        for name, value in step.get("header", {}).items():
            assert self.fill(value) in answer.header(name), f"{name}: {answer.header(name)}"
        if "same_as" in step:
            assert answer.essence == self.answers[step["same_as"]].essence, f"it can be told from {step['same_as']}"
        if "name" in step:
            self.answers[step["name"]] = answer
        self._keep(step, answer)

    def _keep(self, step: Mapping[str, Any], answer: Answer) -> None:
        if "save" not in step:
            return
        who = step["save"]
        if isinstance(answer.json, dict) and "access_token" in answer.json:
            self._learn(who, answer.json)
        if cookie := _cookie_of(answer):
            self.names |= {f"{who}_cookie": cookie, f"{who}_mac": cookie.rpartition(".")[2]}
            self.secrets.add(cookie)


def _cookie_of(answer: Answer) -> str:
    return "".join(re.findall(rf"{COOKIE}=([^;]+)", answer.header("set-cookie"))[:1])


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def read(log: str, secrets: set[str]) -> None:
    """Return if nothing of this is in it, and no traceback: only what says which address was asked may repeat it."""
    told = _ACCESS.sub("", log)
    assert not [secret for secret in secrets if secret in told], f"the log has a secret: {told}"
    assert "Traceback" not in re.sub(r"ERROR django\.security\.DisallowedHost(.|\n)*?DisallowedHost: .*\n", "", told), (
        told
    )


def at_every_door(service: Service, case: Case, good: Mapping[str, Any], refused: Mapping[str, Answer]) -> None:
    """The good token is let in, the bad one is not, and its answer is that to any other bad one."""
    now = int(time.time())
    said = {**good, "iat": now, "exp": now + LIFETIME, "auth_time": now}
    algorithm = (case.algorithms or ("ES256",))[0]
    token = forge(case.token, algorithm=algorithm, claims=said, now=now)
    control = service.bearer(DOORS[0], forge({}, algorithm=algorithm, claims=said, now=now))
    assert control.status == 200, f"the control: {control}"
    service.written()
    for door in DOORS:
        answer = service.bearer(door, token)
        if case.accepted:
            assert answer.status == 200, f"{case.name} at {door}: {answer}"
        else:
            assert answer.status == 401, f"{case.name} at {door}: {answer}"
            assert answer.json == _INVALID, f"{case.name} at {door}: {answer}"
            assert answer.essence == refused[door].essence, f"{case.name} at {door} can be told from others: {answer}"
    read(
        service.written(), {part for part in token.split(".") if len(part) > 16} | {token} if len(token) > 16 else set()
    )
