"""The style sheet of the HTML report. Contrast of every pair of colours is 4.5:1 or more, in light and in dark."""

STYLE = """
:root{--bg:#fff;--fg:#1d2126;--soft:#59636e;--line:#d5dae0;--panel:#f5f7f9;
--pass:#17692f;--partial:#7a4b00;--fail:#a8201a;--review:#0b5c8a;--error:#7b2d8e;--quiet:#59636e}
@media (prefers-color-scheme:dark){:root{--bg:#15181c;--fg:#e6e9ec;--soft:#a3adb8;--line:#363c44;--panel:#1e2329;
--pass:#6fce87;--partial:#e3b45c;--fail:#ff9188;--review:#7cc4f0;--error:#d9a3e8;--quiet:#a3adb8}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:52rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.5rem;margin:0 0 1rem}
h2{font-size:1.15rem;margin:0;overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.6rem 0 .3rem}
article{border-top:1px solid var(--line);padding:1.2rem 0}
.about,.aside,.id,footer,caption{color:var(--soft);font-size:.875rem;margin:.2rem 0;overflow-wrap:anywhere}
.score{font-size:1.5rem;font-weight:600;margin:.8rem 0 .3rem}
.problem{margin:.8rem 0;padding:.6rem .8rem;border-left:3px solid var(--fail);background:var(--panel)}
.bar{display:block;max-width:100%}
.bar .rest{fill:var(--line)}.bar .low{fill:var(--pass)}.bar .hatch{fill:var(--review)}
details.item{border-bottom:1px solid var(--line);padding:.3rem 0}
summary{cursor:pointer;border-radius:4px}
summary:focus-visible,a:focus-visible{outline:2px solid var(--review);outline-offset:2px}
details.item>summary{display:flex;gap:.7rem;align-items:baseline;list-style:none}
details.item>summary::-webkit-details-marker{display:none}
.chip{flex:0 0 5.4rem;font-size:.8125rem;font-weight:600;line-height:1.45;text-align:center;white-space:nowrap;
color:var(--quiet);border:1px solid;border-radius:1rem}
.chip.pass{color:var(--pass)}.chip.partial{color:var(--partial)}.chip.fail{color:var(--fail)}
.chip.review{color:var(--review)}.chip.error{color:var(--error)}
.title{flex:1;overflow-wrap:anywhere}
.points{font-variant-numeric:tabular-nums;white-space:nowrap;color:var(--soft)}
.marked{font-size:.8125rem;color:var(--soft);border:1px solid var(--line);border-radius:3px;padding:0 .3rem}
details.item>:not(summary){margin:.4rem 0 .4rem 6.1rem;overflow-wrap:anywhere}
.places{padding-left:1.1rem}
code,pre{font:.875em ui-monospace,monospace}
pre{margin:.2rem 0;padding:.4rem .6rem;background:var(--panel);white-space:pre-wrap;overflow-wrap:anywhere}
.hint{padding:.4rem .7rem;background:var(--panel);border-radius:4px}
.other{margin-top:1.5rem}
table{border-collapse:collapse;width:100%;margin:0 0 1rem}
caption{text-align:left}
th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);
font-weight:400;overflow-wrap:anywhere}
thead th{color:var(--soft);font-size:.875rem}
a{color:var(--review)}
footer{border-top:1px solid var(--line);padding-top:.8rem}
@media (max-width:36rem){details.item>:not(summary){margin-left:0}}
@media print{body{font-size:11pt}main{max-width:none;padding:0}article{break-inside:auto}
details.item{break-inside:avoid}.bar rect{print-color-adjust:exact}}
"""
