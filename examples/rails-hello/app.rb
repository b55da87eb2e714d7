# frozen_string_literal: true

require "digest"
require "securerandom"
require "rails"
require "action_controller/railtie"
require "action_view/railtie"

# A Rails app in one file: no database, no generated folders, only what it uses.
class RailsHello < Rails::Application
  config.load_defaults 7.2
  config.root = __dir__
  config.eager_load = true
  config.enable_reloading = false

  # Sessions are cookies signed with this key. Without one of your own they end when the server does.
  config.secret_key_base = ENV.fetch("SECRET_KEY_BASE") { SecureRandom.hex(64) }
  config.session_store :cookie_store, key: "rails_hello"

  config.logger = ActiveSupport::Logger.new($stdout)
  config.log_level = :warn

  routes.append do
    root "hello#index"
    get "about", to: "hello#about"
    get "stream", to: "hello#stream"
    post "greeting", to: "hello#greet"
    post "upload", to: "hello#upload"
  end
end

RailsHello.initialize!

# Everything the app does, an action each. It stands below `initialize!`, which gives controllers the routes' helpers.
class HelloController < ActionController::Base
  protect_from_forgery with: :exception

  # app/views/hello/index.html.erb, with what the session remembers of this visitor.
  def index
    @visits = session[:visits] = session.fetch(:visits, 0) + 1
  end

  def about
    render json: { rails: Rails.version, ruby: RUBY_VERSION, server: request.server_software, environment: Rails.env }
  end

  def greet
    session[:name] = params.require(:name)
    redirect_to root_path, notice: "Nice to meet you, #{session[:name]}."
  end

  # Lines that leave one by one, as they are made: /stream?lines=20&pause=0.5
  def stream
    lines = params.fetch(:lines, 5).to_i
    pause = params.fetch(:pause, 0.2).to_f
    response.content_type = "text/plain"
    response.last_modified = Time.current # without it Rack::ETag would wait for the last line, to digest them all
    self.response_body = Enumerator.new do |out|
      1.upto(lines) do |number|
        sleep pause unless number == 1
        out << "line #{number} of #{lines}\n"
      end
    end
  end

  def upload
    file = params.require(:file)
    render json: { name: file.original_filename, size: file.size, sha256: Digest::SHA256.file(file.path).hexdigest }
  end
end
