"""A list of notes: flask's routes, templates, forms, JSON, streaming and errors."""
from flask import Flask, Response, abort, jsonify, render_template_string, request

app = Flask(__name__)
notes = ["water the irises"]

PAGE = """<!DOCTYPE html>
<title>Notes</title>
<ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>
<form method="post" action="/"><input name="note"><button>Add</button></form>
"""


@app.get("/")
def show():
    return render_template_string(PAGE, notes=notes)


@app.post("/")
def add():
    note = request.form.get("note", "").strip()
    if not note:
        abort(400, "a note has words")
    notes.append(note)
    return show(), 201


@app.get("/notes/<int:number>")
def one(number):
    if number >= len(notes):
        abort(404)
    return jsonify(number=number, note=notes[number])


@app.post("/upload")
def upload():
    body = request.get_data()
    return jsonify(size=len(body), sum=sum(body) % 65536)


@app.get("/stream")
def stream():
    return Response((f"line {n}\n" for n in range(1000)), mimetype="text/plain")


@app.get("/fault")
def fault():
    raise RuntimeError("this fault is on purpose")
