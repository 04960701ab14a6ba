// The page: one card after the other, each shows the client from one side. Ten lines made the client: ten-lines.js.

import * as client from "./ten-lines.js";
import { showAccount } from "./cards/account.js";
import { showBreakage } from "./cards/breakage.js";
import { showCalls } from "./cards/calls.js";
import { showDevices } from "./cards/devices.js";
import { showReplay } from "./cards/replay.js";
import { showStepUp } from "./cards/step-up.js";
import { showTimeline } from "./cards/timeline.js";
import { showToken } from "./cards/token.js";

showTimeline(client);
showAccount(client);
showToken(client);
showCalls(client);
showBreakage(client);
showStepUp(client);
showReplay({ ...client, devices: showDevices(client) });
