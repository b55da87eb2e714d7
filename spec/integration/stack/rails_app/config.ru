# frozen_string_literal: true

# What rails_spec.rb serves, in a process of its own.
require "rails"
require "action_controller/railtie"
require "action_view/railtie"

class Shop < Rails::Application
  config.load_defaults 7.2
  config.root = __dir__
  config.eager_load = true
  config.enable_reloading = false
  config.consider_all_requests_local = false
  config.secret_key_base = "of no use to anyone" * 4
  config.logger = ActiveSupport::Logger.new($stderr)
  config.log_level = :fatal
  config.action_dispatch.x_sendfile_header = "X-Accel-Redirect"

  routes.append do
    %w[page streamed report data fresh jar failing].each { |name| get name, to: "shop##{name}" }
    post "sum", to: "shop#sum"
    post "upload", to: "shop#upload"
    get "go_on", to: "shop#go_on"
    %w[lines events page leave left].each { |name| get "live/#{name}", to: "live##{name}" }
  end
end

Shop.initialize!

# Ordinary actions.
class ShopController < ActionController::Base
  GO_ON = Queue.new
  FILE = Rails.root.join("public/large.bin").to_s
  PUBLISHED = Time.utc(2026, 11, 24, 12)

  def go_on
    GO_ON << true
    head :no_content
  end

  # The template asks for a style sheet, of which Rails gives an early hint.
  def page = render(layout: "document")

  # Without a time it would be Rack::ETag that asks for the body, for all of it at once.
  def streamed
    response.last_modified = PUBLISHED
    render(:page, layout: "document", stream: true)
  end

  def report = send_file(params.require(:path), filename: "Zo\u00eb's report.pdf", type: "application/pdf")

  def data = send_data([*0..255].pack("C*"), filename: "bytes.bin", disposition: "inline")

  def fresh
    fresh_when(etag: params[:version], last_modified: PUBLISHED, public: true)
    render plain: "version #{params[:version]}" unless performed?
  end

  def sum = render(json: { sum: params.require(:numbers).sum })

  def upload
    files = params.require(:files)
    render json: { title: params[:form][:title], paths: files.map(&:path),
                   files: files.map { |file| [file.original_filename, file.content_type, file.size] } }
  end

  def jar
    cookies[:plain] = "one"
    cookies.encrypted[:secret] = { value: "two", httponly: true, expires: 1.hour }
    render plain: cookies.encrypted[:secret]
  end

  def failing = raise("out of stock")

  skip_forgery_protection
end

# Actions that run beside the answer, each in a thread of its own.
class LiveController < ActionController::Base
  include ActionController::Live

  LEFT = Queue.new

  def lines
    response.content_type = "text/plain"
    %w[first second third].each_with_index do |line, index|
      ShopController::GO_ON.pop unless index.zero?
      response.stream.writeln(line)
    end
  ensure
    response.stream.close
  end

  def events
    response.content_type = "text/event-stream"
    stream = SSE.new(response.stream, event: "tick")
    2.times { |number| stream.write({ number: number }, id: number) }
  ensure
    stream.close
  end

  def page = render("shop/page", layout: "document")

  # Writes until the client has left.
  def leave
    loop { response.stream.write("x" * 10_000) }
  rescue ActionController::Live::ClientDisconnected => error
    LEFT << error.class.name
  ensure
    response.stream.close
  end

  def left = render(plain: LEFT.pop)
end

run Rails.application
