import { HttpClient, provideHttpClient, withInterceptors } from "@angular/common/http";
import { Component, inject, signal } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { injectAuth, ironcladInterceptor, provideIronclad } from "django-ironclad/angular";
import { auth } from "./auth";

@Component({
  selector: "app-root",
  template: `
    @if (state().status === "unknown") {
      <p>One moment…</p>
    } @else if (state().user; as user) {
      <h1>Signed in as {{ user.username }}</h1>
      <button type="button" (click)="ask()">My profile</button>
      <button type="button" (click)="auth.logout()">Log out</button>
      <pre>{{ answer() }}</pre>
    } @else {
      <form (submit)="login($event, username.value, password.value)">
        <label>User name <input #username autocomplete="username" required /></label>
        <label>Password <input #password type="password" autocomplete="current-password" required /></label>
        <button type="submit">Log in</button>
        <p role="alert">{{ error() }}</p>
      </form>
    }
  `,
})
export class App {
  readonly #http = inject(HttpClient);
  readonly #injected = injectAuth();
  readonly auth = this.#injected.auth;
  readonly state = this.#injected.state;
  readonly answer = signal("");
  readonly error = signal("");

  async login(event: Event, username: string, password: string): Promise<void> {
    event.preventDefault();
    try {
      await this.auth.login({ username, password });
      this.error.set("");
    } catch (problem) {
      this.error.set((problem as Error).message);
    }
  }

  ask(): void {
    this.#http.get("/profile/").subscribe({
      next: (profile) => this.answer.set(JSON.stringify(profile, null, 2)),
      error: (problem: Error) => this.answer.set(problem.message),
    });
  }
}

bootstrapApplication(App, {
  providers: [provideIronclad(auth), provideHttpClient(withInterceptors([ironcladInterceptor]))],
});
