/** `import { injectAuth, ironcladInterceptor, provideIronclad } from "django-ironclad/angular"`. */

import type { HttpErrorResponse, HttpEvent, HttpInterceptorFn, HttpResponse } from "@angular/common/http";
import {
  DestroyRef,
  type EnvironmentProviders,
  InjectionToken,
  inject,
  makeEnvironmentProviders,
  type Signal,
  signal,
} from "@angular/core";
import { Observable, type Subscription } from "rxjs";
import type { Auth } from "./auth.js";
import type { State } from "./state.js";

export interface InjectedAuth {
  readonly auth: Auth;
  readonly state: Signal<State>;
}

const AUTH = new InjectionToken<InjectedAuth>("django-ironclad");

/** Beside `provideHttpClient(withInterceptors([ironcladInterceptor]))`. */
export const provideIronclad = (auth: Auth): EnvironmentProviders =>
  makeEnvironmentProviders([
    {
      provide: AUTH,
      useFactory: (): InjectedAuth => {
        const state = signal(auth.state);
        inject(DestroyRef).onDestroy(auth.subscribe(() => state.set(auth.state)));
        return { auth, state: state.asReadonly() };
      },
    },
  ]);

/** The client, and its state as a signal. */
export const injectAuth = (): InjectedAuth => inject(AUTH);

/** The calls of HttpClient go by the rules of `auth.fetch`. */
export const ironcladInterceptor: HttpInterceptorFn = (request, next) => {
  const { auth } = injectAuth();
  return new Observable<HttpEvent<unknown>>((observer) => {
    let sending: Subscription | undefined;
    const leaving = new AbortController();
    const send = (access: string) =>
      new Promise<HttpResponse<unknown> | HttpErrorResponse>((resolve, reject) => {
        if (observer.closed) return;
        let answered = false;
        sending = next(
          access ? request.clone({ setHeaders: { Authorization: `Bearer ${access}` } }) : request,
        ).subscribe({
          next(event) {
            // HttpEventType.Response; what is progress is told as it comes.
            answered = event.type === 4;
            if (event.type === 4) resolve(event);
            else observer.next(event);
          },
          error: (error) => (error.headers ? resolve(error) : reject(error)),
          // Another interceptor may end a call without an answer.
          complete: () => answered || observer.complete(),
        });
      });
    const { url, method, headers, body } = request;
    auth.carry({ url, method, headers, body, signal: leaving.signal }, send).then(
      (answer) => {
        if (!answer.ok) return observer.error(answer);
        observer.next(answer as HttpResponse<unknown>);
        observer.complete();
      },
      (error) => observer.error(error),
    );
    return () => {
      leaving.abort();
      sending?.unsubscribe();
    };
  });
};
