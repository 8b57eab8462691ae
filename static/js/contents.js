// A long lesson's contents say where one is.
const links = [...document.querySelectorAll(".contents a")];
const headings = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));

if (links.length) {
  const mark = () => {
    const passed = headings.filter((heading) => heading && heading.getBoundingClientRect().top < innerHeight / 3).length;
    links.forEach((link, number) => {
      if (number === Math.max(0, passed - 1)) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
  };

  addEventListener("scroll", mark, { passive: true });
  mark();
}
