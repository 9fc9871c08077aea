// The cache-first fulfillment simulation that VTEX's guide shows for sellers, with every field that its specification
// requires: what the hub's endpoint is compared with. Usage: node server.js SKUS; prints its port.
"use strict";

const express = require("express");

const cache = new Map();
for (let number = 0; number < Number(process.argv[2]); number += 1) {
  cache.set(`sku-${number}`, { price: 39990, listPrice: 39990, available: 22 });
}

const SLAS = [
  {
    id: "normal",
    deliveryChannel: "delivery",
    name: "normal",
    price: 990,
    shippingEstimate: "3bd",
    availableDeliveryWindows: [],
    pickupStoreInfo: null,
  },
];

const app = express();
app.use(express.json());

app.post("/api/pvt/orderForms/simulation", (request, response) => {
  const { items, postalCode, country } = request.body;
  const slas = postalCode && country ? SLAS : [];
  const validUntil = new Date(Date.now() + 3600000).toISOString();
  const answered = [];
  const logisticsInfo = [];
  items.forEach((item, index) => {
    const found = cache.get(item.id);
    if (found === undefined) return;
    const quantity = Math.min(item.quantity, found.available);
    answered.push({
      id: item.id,
      requestIndex: index,
      quantity,
      seller: item.seller,
      listPrice: found.listPrice,
      measurementUnit: "un",
      merchantName: null,
      offerings: [],
      price: found.price,
      priceTags: [],
      unitMultiplier: 1,
      priceValidUntil: validUntil,
    });
    logisticsInfo.push({
      itemIndex: index,
      quantity,
      shipsTo: ["BRA"],
      slas,
      stockBalance: found.available,
      deliveryChannels: [{ id: "delivery", stockBalance: found.available }],
    });
  });
  response.json({
    country: country ?? null,
    postalCode: postalCode ?? null,
    items: answered,
    logisticsInfo,
    allowMultipleDeliveries: true,
  });
});

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
