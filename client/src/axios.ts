/** `import { attach } from "django-ironclad/axios"`: an axios instance whose calls go by the rules of `auth.fetch`. */

import type { AxiosError, AxiosInstance, AxiosRequestConfig, AxiosResponse } from "axios";
import type { Auth } from "./auth.js";
import type { Call } from "./calls.js";

/** Gives back the function that detaches it. */
export function attach(axios: AxiosInstance, auth: Auth): () => void {
  // What is sent has passed the instance's defaults and interceptors; here it meets none.
  const bare = axios.create();
  for (const name in bare.defaults) delete bare.defaults[name as keyof typeof bare.defaults];

  const interceptor = axios.interceptors.request.use((config) => {
    const { adapter } = config;
    // Below every interceptor and transformation: they see each call once, and what is sent again is the same to the byte.
    config.adapter = async (sent) => {
      let error: AxiosError | undefined;
      const send = (access: string): Promise<AxiosResponse & { headers: { get(name: string): unknown } }> => {
        error = undefined;
        const headers = access ? { ...sent.headers, Authorization: `Bearer ${access}` } : sent.headers;
        const again = { ...sent, adapter, headers, transformRequest: [], transformResponse: [] };
        return bare.request(again as AxiosRequestConfig).catch((caught) => {
          error = caught as AxiosError;
          error.config = sent;
          if (!error.response) throw error;
          return error.response;
        }) as never;
      };
      sent.adapter = adapter as never;
      const { method = "get", headers, data: body, cancelToken } = sent;
      const signal = (sent.signal ?? cancelToken?.toAbortSignal?.()) as Call["signal"];
      const call = { url: bare.getUri(sent), method, headers, body, signal };
      // Whatever is cancelled ends in axios' own error, which it throws before it sends.
      const response = await auth
        .carry(call, send)
        .catch((caught) => (signal?.aborted ? send("") : Promise.reject(caught)));
      // As the caller knows it: without the token, and to be sent again by whoever likes to.
      response.config = sent;
      if (error) throw error;
      return response;
    };
    return config;
  });
  return () => axios.interceptors.request.eject(interceptor);
}
