import "@angular/compiler";
import {
  HttpBackend,
  HttpClient,
  HttpErrorResponse,
  type HttpEvent,
  HttpHeaders,
  type HttpRequest,
  HttpResponse,
  provideHttpClient,
  withInterceptors,
  withNoXsrfProtection,
} from "@angular/common/http";
import {
  createEnvironmentInjector,
  type EnvironmentInjector,
  PendingTasks,
  runInInjectionContext,
  ɵINJECTOR_SCOPE,
} from "@angular/core";
import { EMPTY, firstValueFrom, from, mergeMap, throwError } from "rxjs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { injectAuth, ironcladInterceptor, provideIronclad } from "../src/angular.js";
import type { Auth, AuthError } from "../src/index.js";
import { Browser, ORIGIN, passes, refusal, settle } from "./world.js";

let browser: Browser;
let auth: Auth;
let injector: EnvironmentInjector;
let http: HttpClient;
beforeEach(async () => {
  browser = new Browser();
  auth = await browser.signedIn();
  injector = createEnvironmentInjector(
    [
      provideIronclad(auth),
      provideHttpClient(withInterceptors([ironcladInterceptor]), withNoXsrfProtection()),
      { provide: HttpBackend, useValue: { handle } },
      // As an application's own injector is, which would want a document.
      { provide: ɵINJECTOR_SCOPE, useValue: "root" },
      { provide: PendingTasks, useValue: { add: () => () => {} } },
    ],
    null as never,
  );
  http = injector.get(HttpClient);
});
afterEach(() => browser.close());

/** Sends by the server of `world.ts` what Angular would send by the browser. */
function handle(request: HttpRequest<unknown>) {
  const { method, url } = request;
  if (url === "/nothing/") return EMPTY;
  const headers = Object.fromEntries(request.headers.keys().map((name) => [name, request.headers.get(name) as string]));
  const body = request.serializeBody() as string | null;
  return from(browser.server.fetch(url, { method, headers, body })).pipe(
    mergeMap(async (response) => ({
      status: response.status,
      headers: new HttpHeaders(response.headers as never),
      body: await response.json(),
      url,
    })),
    mergeMap((answer) => {
      if (answer.status < 300) return from<HttpEvent<unknown>[]>([{ type: 0 }, new HttpResponse(answer)]);
      return throwError(() => new HttpErrorResponse({ ...answer, error: answer.body }));
    }),
  );
}

const spoil = async () => browser.server.spoiled.add(await auth.token());

test("20 calls that meet 401 share one refresh and are all answered", async () => {
  await spoil();
  const calls = Array.from({ length: 20 }, () => firstValueFrom(http.get<{ by: string }>(`${ORIGIN}/profile/`)));
  expect((await settle(Promise.all(calls))).map(({ by }) => by)).toEqual(Array(20).fill("ada"));
  expect(browser.server.refreshes).toBe(1);
});

test("a body is repeated as it was sent, and progress is told of as it comes", async () => {
  await spoil();
  const events: number[] = [];
  const call = http.post(`${ORIGIN}/grades/`, { grade: "ü" }, { observe: "events", reportProgress: true });
  await settle(new Promise<void>((complete) => call.subscribe({ next: ({ type }) => events.push(type), complete })));
  const bodies = browser.server.calls.filter(({ path }) => path === "/grades/").map(({ body }) => body);
  expect(bodies).toEqual(['{"grade":"ü"}', '{"grade":"ü"}']);
  expect(events).toEqual([0, 4]);
});

test("an error is Angular's own, and a view that is always 401 is refreshed for once", async () => {
  const error = (await refusal(firstValueFrom(http.get(`${ORIGIN}/always-401/`)))) as unknown as HttpErrorResponse;
  expect(error).toBeInstanceOf(HttpErrorResponse);
  expect(error).toMatchObject({ status: 401, error: { error: "invalid_token" } });
  expect(browser.server.refreshes).toBe(1);
});

test("the token goes to no other origin, to no auth endpoint, and in nobody's own header's place", async () => {
  browser.server.calls.length = 0;
  await settle(firstValueFrom(http.get("https://elsewhere.example/public/")));
  await refusal(firstValueFrom(http.post(`${ORIGIN}/auth/login/`, { password: "wrong" })));
  const headers = { Authorization: `Bearer h.${btoa('{"sub":"eve"}')}.s` };
  await refusal(firstValueFrom(http.get(`${ORIGIN}/profile/`, { headers })));
  expect(browser.server.calls.map(({ path, by }) => [path, by])).toEqual([
    ["/public/", ""],
    ["/auth/login/", ""],
    ["/profile/", "eve"],
  ]);
});

test("a call of the user before is neither repeated nor answered", async () => {
  await spoil();
  const answer = refusal(firstValueFrom(http.post(`${ORIGIN}/grades/`, {})));
  await passes(5);
  await settle(auth.login({ username: "alan", password: "right" }));
  expect(((await answer) as AuthError).code).toBe("session_changed");
  expect(browser.server.count("/grades/")).toBe(1);
});

test("whoever unsubscribes while the token is refreshed is not sent for again", async () => {
  await spoil();
  const call = http.get(`${ORIGIN}/profile/`).subscribe();
  auth.on("refreshed", () => call.unsubscribe());
  await passes(500);
  expect([browser.server.refreshes, browser.server.count("/profile/")]).toEqual([1, 1]);
});

test("whoever unsubscribes while the token is refreshed hears nothing more, and waits for nobody's password", async () => {
  await passes(301_000);
  browser.server.latency = 2_000;
  const heard = vi.fn();
  const waits = vi.spyOn(auth, "carry");
  const call = http.get(`${ORIGIN}/profile/`).subscribe({ next: heard, error: heard, complete: heard });
  await passes(100);
  const ended = vi.fn();
  waits.mock.results[0]?.value.catch(ended);
  call.unsubscribe();
  await passes(0);
  expect(ended).toHaveBeenCalledOnce();
  await passes(10_000);
  expect(heard).not.toHaveBeenCalled();
  expect(browser.server.calls.map(({ path }) => path)).toEqual(["/auth/login/", "/auth/refresh/"]);
});

test("on another origin a recent login is asked for by the body", async () => {
  browser.server.hidesHeaders = true;
  await passes(301_000);
  auth.on("step-up", ({ waitUntil }) => waitUntil(auth.reauthenticate({ password: "right" })));
  expect(await settle(firstValueFrom(http.get(`${ORIGIN}/sensitive/`)))).toMatchObject({ by: "ada" });
  expect(browser.server.count("/auth/reauthenticate/")).toBe(1);
});

test("a call that another interceptor ends without an answer ends", async () => {
  const ended = new Promise<void>((complete) => http.get("/nothing/").subscribe({ complete }));
  await settle(ended);
});

test("a network that is gone is Angular's own error", async () => {
  browser.goOffline();
  expect(await refusal(firstValueFrom(http.get(`${ORIGIN}/profile/`)))).toBeInstanceOf(TypeError);
});

test("the state is a signal that follows the client until the injector is destroyed", async () => {
  const { state } = runInInjectionContext(injector, injectAuth);
  expect(state().user?.username).toBe("ada");
  await settle(auth.logout());
  await passes(1);
  expect(state().status).toBe("signed-out");
  injector.destroy();
  await settle(auth.login({ username: "alan", password: "right" }));
  await passes(1);
  expect(state().status).toBe("signed-out");
});
