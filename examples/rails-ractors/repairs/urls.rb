# frozen_string_literal: true

# How many parts of a host's name are its domain is read from a class variable, not by its reader.
module SharedUrls
  # In place of defaults that do.
  module Request
    def domain(length = tld_length) = super

    def subdomains(length = tld_length) = super

    def subdomain(length = tld_length) = super
  end

  # The same, where URLs are made.
  module Options
    def full_url_for(options) = super({ tld_length: ActionDispatch::Http::URL.tld_length, **options })
  end
end

Repairs.add "urls", upstream: "Ruby 4.1, which lets class variables be read" do |repair|
  repair.before do
    ActionDispatch::Request.prepend(SharedUrls::Request)
    ActionDispatch::Http::URL.singleton_class.prepend(SharedUrls::Options)
  end
end
