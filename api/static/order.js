// Shows a change of the order as soon as it happens. Without this script the page reloads by itself.
(() => {
  const order = document.getElementById("order");
  if (!order || !order.dataset.events || !window.EventSource) return;
  const events = new EventSource(order.dataset.events);
  events.addEventListener("order", (event) => {
    const now = JSON.parse(event.data);
    if (now.status !== order.dataset.status || String(now.refunded.amount) !== order.dataset.refunded) {
      events.close();
      window.location.reload();
    }
  });
})();
