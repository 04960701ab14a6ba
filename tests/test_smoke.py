from .conftest import Api, Person, race, time_passes
import pytest


def test_flow(api, ada):
    t = api.login(ada)
    print(t)
    assert api.get("/auth/me/", t["access_token"]).json()
    r = api.refresh(t["refresh_token"])
    print(r.json())
    assert r.status_code == 200
    assert api.get("/drf/members/", t["access_token"]).status_code == 200
    assert api.get("/plain/login-required/", t["access_token"]).json()["authenticated"] 
    assert api.get("/plain/async/", t["access_token"]).json()["authenticated"] 
    assert api.logout(t["refresh_token"]).status_code == 204
    assert api.get("/auth/me/", t["access_token"]).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_race(api, ada):
    t = api.login(ada)
    out = race(20, lambda n: Api().refresh(t["refresh_token"]))
    assert {a.status_code for a in out} == {200}
    assert len({a.json()["refresh_token"] for a in out}) == 1
