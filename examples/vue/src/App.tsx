/** @jsxImportSource vue */

import { useAuth } from "django-ironclad/vue";
import { defineComponent, ref } from "vue";

export const App = defineComponent(() => {
  const { state } = useAuth();
  return () => {
    const { status, user, reason } = state.value;
    if (status === "unknown") return <p>One moment…</p>;
    return user ? <Home username={user.username} /> : <Login ended={reason === "invalid_grant"} />;
  };
});

const Login = defineComponent(
  (props: { ended: boolean }) => {
    const { auth } = useAuth();
    const error = ref(props.ended ? "Please log in again." : "");

    async function login(event: Event) {
      event.preventDefault();
      const form = new FormData(event.currentTarget as HTMLFormElement);
      try {
        await auth.login({ username: form.get("username"), password: form.get("password") });
      } catch (problem) {
        error.value = (problem as Error).message;
      }
    }

    return () => (
      <form onSubmit={login}>
        <label>
          User name <input name="username" autocomplete="username" required />
        </label>
        <label>
          Password <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit">Log in</button>
        <p role="alert">{error.value}</p>
      </form>
    );
  },
  { props: ["ended"] },
);

const Home = defineComponent(
  (props: { username: string }) => {
    const { auth } = useAuth();
    const answer = ref("");

    async function ask() {
      try {
        const response = await auth.fetch("/profile/");
        answer.value = `${response.status}: ${await response.text()}`;
      } catch (problem) {
        answer.value = (problem as Error).message;
      }
    }

    return () => (
      <>
        <h1>Signed in as {props.username}</h1>
        <button type="button" onClick={ask}>
          My profile
        </button>
        <button type="button" onClick={() => auth.logout()}>
          Log out
        </button>
        <pre>{answer.value}</pre>
      </>
    );
  },
  { props: ["username"] },
);
