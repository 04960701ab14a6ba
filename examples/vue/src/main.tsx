import { ironclad } from "django-ironclad/vue";
import { createApp } from "vue";
import { App } from "./App";
import { auth } from "./auth";

createApp(App).use(ironclad(auth)).mount("#app");
