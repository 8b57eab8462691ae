// A class's page: its table is asked for anew every few seconds, by htmx.
import htmx from "htmx.org";

htmx.config.noSwap = [204, 304, "5xx"];
htmx.config.includeIndicatorCSS = false; // its inline <style> is not ours (strict CSP)
