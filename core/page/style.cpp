#include "core/page/report_parts.hpp"

namespace shipit::page {

// Without quotes and '>': it goes the way of all text.
std::string_view style_sheet() {
    return R"(
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --text: #1b1f24; --faint: #5b6570;
  --line: #d8dde3; --live: #1a7f4b; --was: #7c93b2; --bad: #c4314b; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1d2127; --text: #e6e9ed;
  --faint: #9aa5b1; --line: #343b44; --live: #3fbf7f; --was: #6580a6; --bad: #f0677f; --link: #7db7f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0; display: flex; flex-wrap: wrap; gap: .3rem .6rem; align-items: baseline; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
header p, .faint, dt, .ends, .most { color: var(--faint); }
header p { margin: .2rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem; margin-top: 1rem; }
.tiles div, .card, figure { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.tiles div { padding: .6rem .8rem; }
.tiles b { display: block; font-size: 1.3rem; line-height: 1.3; }
.tiles span { color: var(--faint); font-size: .85rem; }
.card { padding: .8rem 1rem; margin-bottom: .6rem; }
.timeline { display: grid; grid-template-columns: max-content 1fr; gap: 0 .8rem; align-items: center; }
.timeline svg { display: block; border-bottom: 1px solid var(--line); overflow: visible; }
.timeline a { font-variant-numeric: tabular-nums; font-size: .85rem; line-height: 1.35; }
.ends { display: flex; justify-content: space-between; font-size: .8rem; gap: 1rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .6rem; }
figure { margin: 0; padding: .8rem 1rem; }
figcaption { font-size: .85rem; margin-bottom: .4rem; }
.most { display: block; font-size: .8rem; }
.ends time { white-space: nowrap; }
.card p.faint { font-size: .8rem; margin: .4rem 0 0; }
.bars { display: block; border-bottom: 1px solid var(--line); }
rect.live, circle.live { fill: var(--live); stroke: var(--live); }
rect.was, circle.was { fill: var(--was); stroke: var(--was); }
rect.bad, circle.bad { fill: var(--bad); stroke: var(--bad); }
.bars rect { stroke: none; }
.span rect { stroke-width: 2; stroke-linejoin: round; }
.badge { font-size: .75rem; font-weight: normal; padding: 0 .5rem; border: 1px solid; border-radius: 1rem; white-space: nowrap; }
.badge.live { color: var(--live); }
.badge.bad { color: var(--bad); }
.badge.was { color: var(--faint); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 0; font-size: .9rem; }
dd { margin: 0; }
.why { color: var(--bad); margin: .4rem 0 0; font-size: .9rem; }
details { margin-top: .5rem; font-size: .9rem; }
summary { cursor: pointer; }
ul { list-style: none; margin: .4rem 0 0; padding: 0; font-family: ui-monospace, monospace; font-size: .8rem; }
li { padding-left: 1.4em; text-indent: -1.4em; }
.added { color: var(--live); }
.removed { color: var(--bad); }
@media print { details { display: block; } body { background: none; } }
)";
}

} // namespace shipit::page
