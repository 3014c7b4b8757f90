# PyTorch: two epochs of training a tiny network, inference, a saved model, a traced one, and one that was
# saved elsewhere.
import math
import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
torch.set_num_threads(2)


def spirals(count):
    """Two arms, half a turn apart: no line parts them."""
    turn = torch.linspace(0.5, 3 * math.pi, count)
    arms = [torch.stack([turn * torch.cos(turn + begin), turn * torch.sin(turn + begin)], 1) / 10 for begin in (0, math.pi)]
    return torch.cat(arms), torch.arange(2).repeat_interleave(count)


def network():
    return nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))


def second_arm(of):
    """How sure a network is that points are of the second arm."""
    return [f"{p:.3f}" for p in of(x[::100]).softmax(1)[:, 1].tolist()]


x, y = spirals(400)
model, loss = network(), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
batches = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
for epoch in 1, 2:
    total = 0.0
    for inputs, wanted in batches:
        optimizer.zero_grad()
        error = loss(model(inputs), wanted)
        error.backward()
        optimizer.step()
        total += error.item() * len(wanted)
    print(f"epoch {epoch}: loss {total / len(x):.4f}")

model.eval()
with torch.no_grad():
    right = (model(x).argmax(1) == y).float().mean()
    print(f"accuracy {right:.3f}, of the first: {model(x[:1]).softmax(1).numpy().round(4).tolist()}")
    a = torch.arange(12.0).reshape(3, 4)
    print("product", (a @ a.T).tolist(), "solved", torch.linalg.solve(torch.eye(3) * 4, torch.ones(3)).tolist())
    image = torch.arange(64.0).reshape(1, 1, 8, 8)
    print("convolved", nn.functional.conv2d(image, torch.ones(1, 1, 3, 3), stride=2).flatten().tolist())

torch.save(model.state_dict(), "/tmp/model.pt")
loaded = network()
loaded.load_state_dict(torch.load("/tmp/model.pt"))
torch.jit.trace(model, x[:1]).save("/tmp/traced.pt")
with torch.no_grad():
    print("loaded:", torch.equal(loaded(x), model(x)), "traced:", torch.allclose(torch.jit.load("/tmp/traced.pt")(x), model(x)))
    if os.path.exists("/given.pt"):
        given = network()
        given.load_state_dict(torch.load("/given.pt"))
        print("given:", second_arm(given))
        print("given, traced:", second_arm(torch.jit.load("/given-traced.pt")))
