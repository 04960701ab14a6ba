import { useAuth } from "django-ironclad/react";
import { type FormEvent, useState } from "react";
import { auth } from "./auth";

export function App() {
  const { status, user, reason } = useAuth(auth);
  if (status === "unknown") return <p>One moment…</p>;
  return user ? <Home username={user.username} /> : <Login ended={reason === "invalid_grant"} />;
}

function Login({ ended }: { ended: boolean }) {
  const [error, setError] = useState(ended ? "Please log in again." : "");

  async function login(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      await auth.login({ username: form.get("username"), password: form.get("password") });
    } catch (problem) {
      setError((problem as Error).message);
    }
  }

  return (
    <form onSubmit={login}>
      <label>
        User name <input name="username" autoComplete="username" required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button type="submit">Log in</button>
      <p role="alert">{error}</p>
    </form>
  );
}

function Home({ username }: { username: string }) {
  const [answer, setAnswer] = useState("");

  async function ask() {
    try {
      const response = await auth.fetch("/profile/");
      setAnswer(`${response.status}: ${await response.text()}`);
    } catch (problem) {
      setAnswer((problem as Error).message);
    }
  }

  return (
    <>
      <h1>Signed in as {username}</h1>
      <button type="button" onClick={ask}>
        My profile
      </button>
      <button type="button" onClick={() => auth.logout()}>
        Log out
      </button>
      <pre>{answer}</pre>
    </>
  );
}
