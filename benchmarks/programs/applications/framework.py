"""Hello World on FastAPI, as its documentation begins."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def root() -> dict[str, str]:
    """Answer every request with the same JSON."""
    return {"message": "Hello World"}
