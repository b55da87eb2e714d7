# frozen_string_literal: true

# Settings of the server whose app has answered before its processes are forked.
on_warmup do |app|
  app.get("/")
  app.get("/about")
end
