# frozen_string_literal: true

# What most apps do: pages, JSON, params, cookies, sessions, forms.
class PagesController < ActionController::Base
  PUBLISHED = Ractor.make_shareable(Time.utc(2026, 11, 24, 12))
  FILE = Rails.root.join("README.md").to_s.freeze

  # What belongs to a request.
  class Current < ActiveSupport::CurrentAttributes
    attribute :visitor
  end

  layout "application"
  before_action { Current.visitor = "visitor" }
  protect_from_forgery with: :exception
  rescue_from(KeyError) { |error| render plain: "no #{error.key}", status: :unprocessable_entity }

  # A view with a layout, a partial and a form, and what the session remembers of this visitor.
  def index
    @visits = session[:visits] = session.fetch(:visits, 0) + 1
    @items = ["apples", "pears & plums"]
  end

  def about
    render json: { rails: Rails.version, ruby: RUBY_VERSION, environment: Rails.env }
  end

  def greeting
    session[:name] = params.require(:name)
    redirect_to root_path, notice: "Nice to meet you, #{session[:name]}."
  end

  def stream
    lines = params.fetch(:lines, 5).to_i
    response.content_type = "text/plain"
    response.last_modified = PUBLISHED # without it Rack::ETag would wait for the last line, to digest them all
    self.response_body = Enumerator.new { |out| 1.upto(lines) { |number| out << "line #{number} of #{lines}\n" } }
  end

  def page = render(:page)

  def streamed
    response.last_modified = PUBLISHED
    render(:page, stream: true)
  end

  def report = send_file(FILE, filename: "Zo\u00eb's report.md", type: "text/markdown")

  def data = send_data([*0..255].pack("C*"), filename: "bytes.bin", disposition: "inline")

  def fresh
    fresh_when(etag: params[:version], last_modified: PUBLISHED, public: true)
    render plain: "version #{params[:version]}" unless performed?
  end

  def item = render(plain: "item #{params[:name]}")

  def jar
    cookies[:plain] = "one"
    cookies.signed[:seal] = "two"
    cookies.encrypted[:secret] = { value: "three", httponly: true }
    render plain: [cookies[:plain], cookies.signed[:seal], cookies.encrypted[:secret]].join(" ")
  end

  # Answered by the `rescue_from` above where there is a `kind`, and with 500 else.
  def failing = params[:kind] ? {}.fetch(:stock) : raise("out of stock")

  # Words, numbers and times as a view has them.
  def local
    render plain: [t("date.month_names")[11], helpers.number_to_currency(1234.5), "Zo\u00eb Ring".parameterize,
                   PUBLISHED.in_time_zone("Berlin").to_fs(:short), helpers.pluralize(2, "ox")].join("\n")
  end

  # Names that classes have, and addresses.
  def places
    render plain: [controller_name, request.subdomain, root_url(host: "example.org", subdomain: "shop"),
                   Current.visitor].join("\n")
  end

  def xml
    respond_to do |format|
      format.xml { render xml: { visits: 2, name: "Zo\u00eb" } }
      format.json { render json: {} }
    end
  end

  def verified
    verifier = Rails.application.message_verifier(:links)
    render plain: verifier.verify(verifier.generate("signed"))
  end

  def where = render(plain: in_main? ? "main" : Ractor.current.name)

  private

  def in_main? = RUBY_VERSION >= "4.0" ? Ractor.main? : Ractor.current == Ractor.main
end
