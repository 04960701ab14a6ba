/** AngularJS 1.8: the module `ironclad`, with `authProvider`, the service `auth`, and the token in the calls of `$http`. */

import { type Answer, type Auth, type AuthOptions, createAuth } from "./index.js";

/** `authProvider` in `config()`. */
export interface AuthProvider {
  options: AuthOptions;
  $get: unknown;
}

/** What is needed of `angular`; any 1.x is one. */
export interface AngularJS {
  module(name: string, requires: string[]): Module;
}

interface Module {
  provider(name: string, provider: object): Module;
  decorator(name: string, decorator: (string | ((...given: never[]) => unknown))[]): Module;
}

interface Promises {
  resolve(promise: PromiseLike<unknown>): unknown;
}

interface RootScope {
  $applyAsync(work?: () => void): void;
  $broadcast(name: string, detail: unknown): void;
  $on(name: string, listener: () => void): void;
}

type Done = (status: number, data: unknown, headers?: string, text?: string, how?: string) => void;
type Headers = Record<string, string>;
type Met = Answer & { met: Parameters<Done> };
type Backend = (
  method: string,
  url: string,
  body: unknown,
  done: Done,
  headers: Headers | undefined,
  timeout?: Partial<PromiseLike<unknown>> | null,
  ...rest: unknown[]
) => void;

interface Http {
  pendingRequests: { headers: Headers | undefined; cache?: unknown; skipAuthorization?: boolean }[];
}

/** Registers the module and gives back its name: `angular.module("app", [ironclad(angular)])`. */
export function ironclad(angular: AngularJS): "ironclad" {
  const provider: AuthProvider = {
    options: {},
    $get: ["$q", "$rootScope", ($q: Promises, $rootScope: RootScope) => serviceOf(provider.options, $q, $rootScope)],
  };
  angular
    .module("ironclad", [])
    .provider("auth", provider)
    .decorator("$httpBackend", ["$delegate", "$injector", "$templateCache", "auth", backendOf]);
  return "ironclad";
}

/** The client, whose promises are `$q`'s; whatever changes it, also in another tab, is followed by a digest. */
function serviceOf(options: AuthOptions, $q: Promises, $rootScope: RootScope): Auth {
  const auth = createAuth(options);
  auth.subscribe(() => $rootScope.$applyAsync());
  auth.on("signed-out", (detail) => {
    if (detail.reason !== "logout") $rootScope.$applyAsync(() => $rootScope.$broadcast("unauthenticated", detail));
  });
  $rootScope.$on("$destroy", auth.dispose);
  const service = Object.create(auth, { ready: { value: $q.resolve(auth.ready) } });
  for (const name of [
    "login",
    "logout",
    "token",
    "refresh",
    "fetch",
    "request",
    "reauthenticate",
    "changePassword",
  ] as const) {
    const method = auth[name] as (...given: unknown[]) => Promise<unknown>;
    service[name] = (...given: unknown[]) => $q.resolve(method(...given));
  }
  return service;
}

/** Below every interceptor and transformation: they see each call once, and what is sent again is the same to the byte. */
function backendOf($delegate: Backend, $injector: { get(name: "$http"): Http }, $templateCache: unknown, auth: Auth) {
  const backend: Backend = (method, url, body, done, headers, timeout, ...rest) => {
    // The backend is told everything but the config; there is none for a call that does not come from $http.
    const config = $injector.get("$http").pendingRequests.find((config) => config.headers === headers);
    if (config?.skipAuthorization || config?.cache === $templateCache) {
      $delegate(method, url, body, done, headers, timeout, ...rest);
      return;
    }
    const signal = { aborted: false, addEventListener: (_: "abort", abort: () => void) => timeout?.then?.(abort) };
    timeout?.then?.(() => {
      signal.aborted = true;
    });
    const send = (access: string) =>
      new Promise<Met>((resolve) => {
        const answered: Done = (...met) => {
          const get = (name: string) => new RegExp(`^${name}: *(.*)`, "im").exec(met[2] ?? "")?.[1];
          resolve({ status: met[0], headers: { get }, data: met[1], met });
        };
        const all = access ? { ...headers, Authorization: `Bearer ${access}` } : headers;
        $delegate(method, url, body, answered, all, timeout, ...rest);
      });
    auth.carry({ url, method, headers: new Headers(headers), body, signal }, send).then(
      ({ met }) => done(...met),
      // No answer: `data` is the AuthError.
      (error: Error) =>
        signal.aborted ? done(-1, null, "", "", "abort") : done(-1, error, "", error.message, "error"),
    );
  };
  return Object.assign(backend, $delegate);
}
