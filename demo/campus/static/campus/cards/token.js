// The access token, decoded, and how long it lives: by the client's own count, whatever this device's clock says.

import { $, clock, element } from "../page.js";

const RENEWED_BEFORE = 10;
const MEANINGS = {
  alg: "signed by",
  kid: "with the key of this name",
  typ: "what kind of token",
  iss: "who issued it",
  aud: "for whom it is",
  sub: "whose it is: a primary key",
  client_id: "to which program",
  sid: "the session",
  iat: "issued",
  exp: "over",
  jti: "its own name",
  auth_time: "password given",
  amr: "how it was proved who this is",
  scope: "what it may do",
  username: "the user’s name",
  groups: "the user’s groups",
  groups_left_out: "there are more than it can say",
};
const TIMES = new Set(["iat", "exp", "auth_time"]);

export function showToken({ auth, follow }) {
  let shown;
  // On a phone it would push all else out of sight.
  document.querySelector("#token details").open = matchMedia("(min-width: 34rem)").matches;

  follow(async ({ claims }) => {
    $("token").hidden = !claims;
    if (!claims || claims === shown) return;
    shown = claims;
    $("life").max = claims.exp - claims.iat;
    $("claims").replaceChildren(...rows(claims));
    tick();
    const token = await auth.token({ minValidity: 0 });
    if (token) $("token-header").replaceChildren(...rows(decode(token.split(".")[0])));
  });

  function tick() {
    const left = auth.expiresIn();
    $("life").value = left;
    $("renewal").textContent = seconds(left - RENEWED_BEFORE);
    $("end").textContent = seconds(left);
  }
  setInterval(tick, 250);
}

const seconds = (left) => `${Math.max(0, Math.ceil(left))} s`;

const decode = (segment) => JSON.parse(atob(segment.replace(/-/g, "+").replace(/_/g, "/")));

const rows = (members) =>
  Object.entries(members).map(([name, value]) => {
    const heading = element("th", [element("code", name), element("small", MEANINGS[name] ?? "")]);
    heading.scope = "row";
    return element("tr", [heading, element("td", TIMES.has(name) ? clock(new Date(value * 1000)) : plain(value))]);
  });

const plain = (value) => [value].flat().join(", ") || "–";
