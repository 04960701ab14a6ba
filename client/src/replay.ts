/** A request that can be sent a second time, byte for byte, with another token. */

import { attempt } from "./surroundings.js";

/** Sends the request with this token; as often as it is asked. */
export type Sender = (access: string) => Promise<Response>;

export async function replayable(send: typeof fetch, input: RequestInfo | URL, init: RequestInit): Promise<Sender> {
  const request = input instanceof Request ? input : null;
  let { body = null } = init;
  // Its bytes, since a clone leaves as a stream, in chunks, which servers without HTTP/2 read as an empty body. Only WebKit,
  // which reads no form that has a file in it, sends a clone as it is.
  if (request && body == null && !/^(GET|HEAD)$/.test(request.method)) {
    body = await request
      .clone()
      .arrayBuffer()
      .catch(() => null);
  }
  return (access) => {
    const headers = headersOf(input, init);
    headers.set("Authorization", `Bearer ${access}`);
    return send(body ? input : (request?.clone() ?? input), { ...init, headers, body });
  };
}

export const headersOf = (input: RequestInfo | URL, init: RequestInit): Headers =>
  new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));

/** The address as `fetch` would take it. */
export const addressOf = (input: RequestInfo | URL): URL =>
  new URL(input instanceof Request ? input.url : input, attempt(() => document.baseURI) ?? pageAddress());

/** Where the page is. A frame of `srcdoc` and a worker of a blob have an address that nothing can be relative to. */
export const pageAddress = (): string =>
  attempt(() => new URL("/", location.href) && location.href) ??
  attempt(() => document.baseURI) ??
  attempt(() => origin) ??
  "http://localhost/";
