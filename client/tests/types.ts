/** What the type checker alone holds. */

import type { IAngularStatic } from "angular";
import { ironclad } from "../src/angularjs.js";

/** AngularJS as DefinitelyTyped describes it is what the adapter takes. */
export const module: (angular: IAngularStatic) => string = ironclad;
