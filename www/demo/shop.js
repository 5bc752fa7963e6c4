// Runs the shop: the cart, the order, and the three things it tells Splitlight about (categories, carts, purchases).
import "./demo-bar.js";

const { page, category } = document.body.dataset;
const money = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });
const euros = (cents) => money.format(cents / 100);
const find = (selector, root = document) => root.querySelector(selector);
const track = (name, props) => window.splitlight?.track(name, props);

// An experiment without changes is met by whoever asks for it: the A/A check is met on every page.
(window.splitlight ??= []).push((splitlight) => splitlight.variation("aa-check"));

// Storage can be blocked or damaged, and the shop must still open.
function read(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

const cart = () => {
  const lines = read("shop.cart", []);
  return Array.isArray(lines) ? lines : [];
};
const totalOf = (lines) => lines.reduce((sum, line) => sum + line.price * line.quantity, 0);

function showCount() {
  find("#cart-count").textContent = cart().reduce((sum, line) => sum + line.quantity, 0);
}

function saveCart(lines) {
  const saved = write("shop.cart", lines);
  showCount();
  return saved;
}

function startProduct() {
  const button = find("[data-add]");
  button.addEventListener("click", () => {
    const { add: slug, name, category, price, image } = button.dataset;
    const lines = cart();
    const line = lines.find((entry) => entry.slug === slug);
    if (line) line.quantity += 1;
    else lines.push({ slug, name, category, image, price: Number(price), quantity: 1 });
    const saved = saveCart(lines);
    find(".added").textContent = saved ? "Added to your cart." : "Your browser blocks storage, so the cart cannot be kept.";
    if (saved) track("add_to_cart", { category, value: Number(price) });
  });
}

function drawCart() {
  const lines = cart();
  find("#cart-empty").hidden = lines.length > 0;
  find("#cart-full").hidden = lines.length === 0;
  find("#cart-total").textContent = euros(totalOf(lines));
  const rows = lines.map((line) => {
    const row = find("#cart-line").content.cloneNode(true).firstElementChild;
    row.dataset.slug = line.slug;
    find("img", row).src = line.image;
    find("img", row).classList.add(line.category.toLowerCase());
    find("[data-name]", row).textContent = line.name;
    find("[data-name]", row).href = `/p/${line.slug}/`;
    find("[data-category]", row).textContent = `${line.category}, ${euros(line.price)} each`;
    find("[data-quantity]", row).textContent = line.quantity;
    find("[data-price]", row).textContent = euros(line.price * line.quantity);
    find('[data-step="-1"]', row).setAttribute("aria-label", `One ${line.name} less`);
    find('[data-step="1"]', row).setAttribute("aria-label", `One ${line.name} more`);
    return row;
  });
  find("#cart-lines").replaceChildren(...rows);
}

function startCart() {
  drawCart();
  find("#cart-lines").addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]")?.dataset.step;
    if (!step) return;
    const { slug } = event.target.closest("li").dataset;
    const lines = cart();
    const line = lines.find((entry) => entry.slug === slug);
    if (!line) return;
    line.quantity += Number(step);
    saveCart(lines.filter((entry) => entry.quantity > 0));
    drawCart();
    // The row was drawn again, so keyboard users get their place back.
    (find(`[data-slug="${slug}"] [data-step="${step}"]`) ?? find("#cart-empty .cta")).focus();
  });
  find("#buy").addEventListener("click", () => {
    write("shop.order", { lines: cart(), tracked: false });
    saveCart([]);
    location.assign("/thanks/");
  });
}

function startThanks() {
  const order = read("shop.order", null);
  if (!order?.lines?.length) return;
  find("#order").hidden = false;
  find("#order-total").textContent = euros(totalOf(order.lines));
  find("#order-lines").replaceChildren(
    ...order.lines.map((line) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      const price = document.createElement("span");
      name.textContent = `${line.quantity} × ${line.name}`;
      price.textContent = euros(line.price * line.quantity);
      price.className = "price";
      row.append(name, price);
      return row;
    }),
  );
  // The order is marked before it is sent, so that reloading this page never counts a purchase twice.
  if (order.tracked || !write("shop.order", { ...order, tracked: true })) return;
  for (const category of new Set(order.lines.map((line) => line.category))) {
    track("purchase", { category, value: totalOf(order.lines.filter((line) => line.category === category)) });
  }
}

showCount();
if (page === "category") track("view_category", { category });
if (page === "product") startProduct();
if (page === "cart") startCart();
if (page === "thanks") startThanks();

// A page that comes back from the back/forward cache shows the cart as it is now.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  showCount();
  if (page === "cart") drawCart();
});
