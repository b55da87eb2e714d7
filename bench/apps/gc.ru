# frozen_string_literal: true

# What bench/gc asks for: a page of Rails' that allocates, in an app that has some memory: objects that stay, and a
# cache whose entries grow old and die. The header x-major says how many major collections came in the middle of the
# request.

require_relative "../../examples/rails-hello/app"

# A row of what a database would give.
ROW = ->(number) { { "id" => number, "name" => "row #{number}", "tags" => ["a#{number}", "b#{number}"] } }
KEPT = Array.new(100_000, &ROW).freeze
CACHE = {} # rubocop:disable Style/MutableConstant -- it is what a cache is
ENTRIES = 2000

# Makes rows, keeps some, and renders them.
class PageController < ActionController::Base
  def index
    rows = Array.new(200) { ROW.call(rand(1_000_000)) }
    CACHE[rand(ENTRIES)] = rows.first(20)
    render json: rows.map { |row| row.merge("label" => "#{row["name"]}: #{row["tags"].join(", ")}") }
  end
end

Rails.application.routes.disable_clear_and_finalize = true
Rails.application.routes.draw { get "page", to: "page#index" }

run(lambda do |env|
  before = GC.stat(:major_gc_count)
  status, headers, body = Rails.application.call(env)
  headers["x-major"] = (GC.stat(:major_gc_count) - before).to_s
  [status, headers, body]
end)
