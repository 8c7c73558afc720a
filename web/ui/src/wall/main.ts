import "../tokens.css";
import "./wall.css";
import { FullView } from "./full.js";
import { WallPage } from "./page.js";

customElements.define("frieze-full", FullView);
customElements.define("frieze-wall", WallPage);
